import { openAircraft, openCub, openDtd, openFood101, openPets, openSun397 } from "./list_sets.ts";
import { openTransferSet } from "./transfer_sets.ts";
import { inTempFolder, listingOf, pictureFiles, writeFiles } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

const dtd = {
  "dtd/labels/train1.txt": "banded/banded_0002.jpg\nzigzagged/zigzagged_0004.jpg\n",
  "dtd/labels/val1.txt": "banded/banded_0005.jpg\n",
  "dtd/labels/test1.txt": "zigzagged/zigzagged_0001.jpg\r\n",
  ...pictureFiles([
    ...["banded/banded_0002.jpg", "banded/banded_0005.jpg"].map((path) => `dtd/images/${path}`),
    ...["zigzagged_0001.jpg", "zigzagged_0004.jpg"].map((name) => `dtd/images/zigzagged/${name}`),
  ]),
};

Deno.test("openDtd() reads the first of the published parts, from the folder or the one above", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, dtd);
    const parts = await openDtd(folder);
    assertEquals(listingOf(parts), {
      train: [
        "images/banded/banded_0002.jpg: banded",
        "images/zigzagged/zigzagged_0004.jpg: zigzagged",
      ],
      val: ["images/banded/banded_0005.jpg: banded"],
      test: ["images/zigzagged/zigzagged_0001.jpg: zigzagged"],
    });
    assertEquals(parts.test.classNames, ["banded", "zigzagged"]);
    assertEquals(listingOf(await openDtd(`${folder}/dtd`)), listingOf(parts));
  }));

Deno.test("openDtd() names what is missing, packed, damaged or half unpacked", () =>
  inTempFolder(async (folder) => {
    const fails = (text: string, at = folder) => assertRejects(() => openDtd(at), Error, text);
    await fails(
      `Cannot find DTD: there is no folder ${folder}/none; unpack dtd-r1.0.1.tar.gz there`,
      `${folder}/none`,
    );
    await fails(`Cannot find DTD in ${folder}: there is no labels/train1.txt in it`);
    await Deno.writeTextFile(`${folder}/dtd-r1.0.1.tar.gz`, "");
    await fails("dtd-r1.0.1.tar.gz is still packed; unpack dtd-r1.0.1.tar.gz there");
    await writeFiles(folder, dtd);
    const root = `${folder}/dtd`;
    await Deno.remove(`${root}/images/banded/banded_0005.jpg`);
    await fails(
      `Cannot use DTD in ${root}: 1 of 1 listed pictures are missing, first ` +
        "images/banded/banded_0005.jpg; unpack dtd-r1.0.1.tar.gz again",
    );
    await Deno.remove(`${root}/images`, { recursive: true });
    await fails("2 of 2 listed pictures are missing, first images/banded/banded_0002.jpg");
    await Deno.writeTextFile(`${root}/labels/test1.txt`, "zigzagged/zigzagged_0001.jpg\nzigz");
    await fails('line 2 of labels/test1.txt is unlike the published ones: "zigz"');
    await Deno.writeTextFile(`${root}/labels/test1.txt`, "");
    await fails("labels/test1.txt is empty");
    await Deno.remove(`${root}/labels/val1.txt`); // which is read before the test's list
    await fails("labels/val1.txt is missing");
  }));

Deno.test("openTransferSet() refuses an unknown name, and another number of classes", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, dtd);
    await assertRejects(
      () => openTransferSet("dtd", folder),
      Error,
      `Cannot use DTD in ${folder}: it has 2 classes, 47 were published`,
    );
    await assertRejects(
      () => openTransferSet("toString", folder),
      RangeError,
      'Cannot open the set "toString": there are caltech101, cars,',
    );
  }));

Deno.test("openTransferSet() opens a set of the published numbers, and counts each part", () =>
  inTempFolder(async (folder) => {
    const classes = Array.from({ length: 47 }, (_, i) => `texture${i}`);
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const lines = (part: string) =>
      classes.flatMap((name) => numbers.map((i) => `${name}/${part}_${i}.jpg`));
    for (const part of ["train", "val", "test"]) {
      await writeFiles(folder, {
        [`labels/${part}1.txt`]: lines(part).join("\n"),
        ...pictureFiles(lines(part).map((path) => `images/${path}`)),
      });
    }
    const { train, val, test } = await openTransferSet("dtd", folder);
    assertEquals([train, val!, test].map(({ labels }) => labels.length), [1880, 1880, 1880]);
    await Deno.writeTextFile(`${folder}/labels/val1.txt`, lines("val").slice(1).join("\n"));
    await assertRejects(
      () => openTransferSet("dtd", folder),
      Error,
      `Cannot use DTD in ${folder}: it has 1879 pictures for val, 1880 were published`,
    );
  }));

Deno.test("openFood101() numbers the classes as classes.txt lists them", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, {
      "food-101/meta/classes.txt": "apple_pie\nbaby_back_ribs\n",
      "food-101/meta/train.txt": "baby_back_ribs/12\napple_pie/7",
      "food-101/meta/test.txt": "apple_pie/8\n",
      ...pictureFiles(["food-101/images/apple_pie/7.jpg", "food-101/images/apple_pie/8.jpg"]),
      ...pictureFiles(["food-101/images/baby_back_ribs/12.jpg"]),
    });
    const parts = await openFood101(folder);
    assertEquals(listingOf(parts), {
      train: ["images/baby_back_ribs/12.jpg: baby_back_ribs", "images/apple_pie/7.jpg: apple_pie"],
      test: ["images/apple_pie/8.jpg: apple_pie"],
    });
    assertEquals([...parts.train.labels], [1, 0]);
    await Deno.writeTextFile(`${folder}/food-101/meta/classes.txt`, "apple_pie\n");
    await assertRejects(
      () => openFood101(folder),
      Error,
      "the class of images/baby_back_ribs/12.jpg (number -1, from 0) is none of its 1",
    );
  }));

Deno.test("openPets() takes numbers from the lists and names from the pictures", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, {
      "annotations/trainval.txt":
        "Abyssinian_100 1 1 1\namerican_bulldog_12 2 2 1\nBengal_3 3 1 2\n",
      "annotations/test.txt": "american_bulldog_2 2 2 1\n",
      ...pictureFiles(
        ["Abyssinian_100", "american_bulldog_12", "american_bulldog_2", "Bengal_3"]
          .map((name) => `images/${name}.jpg`),
      ),
    });
    assertEquals(listingOf(await openPets(folder)), {
      train: [
        "images/Abyssinian_100.jpg: Abyssinian",
        "images/american_bulldog_12.jpg: american_bulldog",
        "images/Bengal_3.jpg: Bengal",
      ],
      test: ["images/american_bulldog_2.jpg: american_bulldog"],
    });
  }));

Deno.test("openAircraft() reads names with blanks and slashes", () =>
  inTempFolder(async (folder) => {
    const root = "fgvc-aircraft-2013b/data";
    await writeFiles(folder, {
      [`${root}/variants.txt`]: "707-320\nF/A-18\nModel B200\n",
      [`${root}/images_variant_train.txt`]: "1025794 Model B200\n0034309 F/A-18\n",
      [`${root}/images_variant_val.txt`]: "1000001 707-320\n",
      [`${root}/images_variant_test.txt`]: "1000002 F/A-18\n",
      ...pictureFiles(
        ["1025794", "0034309", "1000001", "1000002"].map((name) => `${root}/images/${name}.jpg`),
      ),
    });
    assertEquals(listingOf(await openAircraft(folder)), {
      train: ["data/images/1025794.jpg: Model B200", "data/images/0034309.jpg: F/A-18"],
      val: ["data/images/1000001.jpg: 707-320"],
      test: ["data/images/1000002.jpg: F/A-18"],
    });
  }));

Deno.test("openCub() joins its lists by the numbers of the pictures", () =>
  inTempFolder(async (folder) => {
    const root = "CUB_200_2011";
    const birds = ["001.Black_footed_Albatross", "002.Laysan_Albatross"];
    const files = {
      [`${root}/classes.txt`]: birds.map((name, i) => `${i + 1} ${name}\n`).join(""),
      [`${root}/images.txt`]: `1 ${birds[0]}/a.jpg\n2 ${birds[1]}/b.jpg\n3 ${birds[1]}/c.jpg\n`,
      [`${root}/image_class_labels.txt`]: "1 1\n3 2\n2 2\n",
      [`${root}/train_test_split.txt`]: "1 0\n2 1\n3 0\n",
      ...pictureFiles(
        [`${birds[0]}/a`, `${birds[1]}/b`, `${birds[1]}/c`]
          .map((name) => `${root}/images/${name}.jpg`),
      ),
    };
    await writeFiles(folder, files);
    assertEquals(listingOf(await openCub(folder)), {
      train: [`images/${birds[1]}/b.jpg: ${birds[1]}`],
      test: [`images/${birds[0]}/a.jpg: ${birds[0]}`, `images/${birds[1]}/c.jpg: ${birds[1]}`],
    });
    await Deno.writeTextFile(`${folder}/${root}/train_test_split.txt`, "1 0\n2 1\n");
    await assertRejects(
      () => openCub(folder),
      Error,
      "train_test_split.txt has 2 lines, images.txt has 3",
    );
  }));

Deno.test("openSun397() reads the first partition, with classes in classes", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, {
      "SUN397/ClassName.txt": "/a/abbey\n/a/apartment_building/outdoor\n",
      "SUN397/Training_01.txt": "/a/apartment_building/outdoor/sun_b.jpg\n/a/abbey/sun_a.jpg\n",
      "SUN397/Testing_01.txt": "/a/abbey/sun_c.jpg\n",
      ...pictureFiles(["a/abbey/sun_a", "a/abbey/sun_c", "a/apartment_building/outdoor/sun_b"]
        .map((name) => `SUN397/${name}.jpg`)),
    });
    assertEquals(listingOf(await openSun397(folder)), {
      train: [
        "a/apartment_building/outdoor/sun_b.jpg: a/apartment_building/outdoor",
        "a/abbey/sun_a.jpg: a/abbey",
      ],
      test: ["a/abbey/sun_c.jpg: a/abbey"],
    });
  }));
