import golden from "./golden/transfer_files.json" with { type: "json" };
import { openHatefulMemes } from "./hateful_memes.ts";
import { drawVideos, openKittiDistance } from "./kitti_distance.ts";
import { openCars, openFlowers } from "./mat_sets.ts";
import { openVoc2007 } from "./voc2007.ts";
import { inTempFolder, listingOf, pictureFiles, writeFiles } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

/** The MAT-files that SciPy wrote. */
function matFiles(files: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, Uint8Array.fromBase64(text)]),
  );
}

Deno.test("openFlowers() reads the labels and parts that SciPy wrote", () =>
  inTempFolder(async (folder) => {
    const pictures = [1, 2, 3, 4, 5].map((number) => `jpg/image_0000${number}.jpg`);
    await writeFiles(folder, { ...matFiles(golden.flowers), ...pictureFiles(pictures) });
    assertEquals(listingOf(await openFlowers(folder)), {
      train: ["jpg/image_00004.jpg: 1", "jpg/image_00001.jpg: 3"],
      val: ["jpg/image_00005.jpg: 3"],
      test: ["jpg/image_00003.jpg: 102", "jpg/image_00002.jpg: 1"],
    });
    const fails = (text: string) => assertRejects(() => openFlowers(folder), Error, text);
    const { "setid.mat": parts } = matFiles(golden.flowers);
    await writeFiles(folder, { "imagelabels.mat": parts! });
    await fails("there are no numbers called labels in its MAT-files");
    await writeFiles(folder, { "imagelabels.mat": parts!.subarray(0, 300) });
    await fails("imagelabels.mat is damaged (Cannot read imagelabels.mat: it is cut short)");
    await Deno.remove(`${folder}/imagelabels.mat`);
    await fails("imagelabels.mat is missing; put 102flowers.tgz and imagelabels.mat and setid.mat");
  }));

Deno.test("openCars() reads names in cells and annotations in structures", () =>
  inTempFolder(async (folder) => {
    await writeFiles(`${folder}/stanford_cars`, {
      ...matFiles(golden.cars),
      ...pictureFiles(["cars_train/00001.jpg", "cars_train/00002.jpg", "cars_test/00001.jpg"]),
    });
    assertEquals(listingOf(await openCars(folder)), {
      train: [
        "cars_train/00001.jpg: Ram C/V Cargo Van Minivan 2012",
        "cars_train/00002.jpg: AM General Hummer SUV 2000",
      ],
      test: ["cars_test/00001.jpg: Acura RL Sedan 2012"],
    });
    const fails = (text: string) => assertRejects(() => openCars(folder), Error, text);
    await Deno.remove(`${folder}/stanford_cars/cars_test_annos_withlabels.mat`);
    await fails("cars_test_annos_withlabels.mat is missing");
    const { "devkit/cars_meta.mat": meta } = matFiles(golden.cars);
    await writeFiles(`${folder}/stanford_cars`, { "devkit/cars_train_annos.mat": meta! });
    await fails("devkit/cars_train_annos.mat has no annotations");
  }));

const vocClasses =
  "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse " +
  "motorbike person pottedplant sheep sofa train tvmonitor";

Deno.test("openVoc2007() gives the truth of each picture and class", () =>
  inTempFolder(async (folder) => {
    const numbers = { train: ["000012", "000017"], val: ["000005"], test: ["000001", "000002"] };
    // Picture i has class c if 3 divides i + c; class 14 is difficult everywhere.
    const value = (i: number, c: number) => c === 14 ? 0 : (i + c) % 3 === 0 ? 1 : -1;
    const files = Object.entries(numbers).flatMap(([part, names]) =>
      vocClasses.split(" ").map((name, c) => {
        const lines = names.map((number, i) => `${number} ${String(value(i, c)).padStart(2)}\n`);
        return [`ImageSets/Main/${name}_${part}.txt`, lines.join("")] as const;
      })
    );
    const pictures = Object.values(numbers).flat().map((number) => `JPEGImages/${number}.jpg`);
    const root = `${folder}/VOCdevkit/VOC2007`;
    await writeFiles(root, { ...Object.fromEntries(files), ...pictureFiles(pictures) });
    const parts = await openVoc2007(folder);
    assertEquals(listingOf(parts).train, [
      "JPEGImages/000012.jpg: unlabelled",
      "JPEGImages/000017.jpg: unlabelled",
    ]);
    assertEquals(parts.test.classNames, vocClasses.split(" "));
    for (const part of ["train", "val", "test"] as const) {
      const expected = numbers[part].flatMap((_, i) =>
        Array.from({ length: 20 }, (_, c) => value(i, c))
      );
      assertEquals([...parts.multiLabels![part]], expected);
    }
    const fails = (text: string) => assertRejects(() => openVoc2007(folder), Error, text);
    await Deno.writeTextFile(`${root}/ImageSets/Main/dog_val.txt`, "000006  1\n");
    await fails("dog_val.txt does not list the pictures of aeroplane_val.txt");
    await Deno.remove(`${root}/ImageSets/Main/aeroplane_test.txt`);
    await fails("there is no ImageSets/Main/aeroplane_test.txt in it");
  }));

Deno.test("openHatefulMemes() reads JSON lines, and tests on the development part", () =>
  inTempFolder(async (folder) => {
    const line = (id: number, label: number) =>
      `${JSON.stringify({ id, img: `img/${id}.png`, label, text: "a { of } words" })}\n`;
    await writeFiles(`${folder}/data`, {
      "train.jsonl": line(42953, 1) + line(23058, 0),
      "dev.jsonl": line(8291, 1),
      ...pictureFiles(["img/42953.png", "img/23058.png", "img/08291.png", "img/8291.png"]),
    });
    const expected = {
      train: ["img/42953.png: hateful", "img/23058.png: not hateful"],
      test: ["img/8291.png: hateful"],
    };
    assertEquals(listingOf(await openHatefulMemes(folder)), expected);
    await Deno.rename(`${folder}/data/dev.jsonl`, `${folder}/data/dev_seen.jsonl`);
    assertEquals(listingOf(await openHatefulMemes(folder)), expected);
    for (const bad of ['{"img": "img/8291.png"}', '{"img": 3, "label": 1}', "{img}"]) {
      await Deno.writeTextFile(`${folder}/data/dev_seen.jsonl`, `${line(8291, 1)}${bad}\n`);
      await assertRejects(
        () => openHatefulMemes(folder),
        Error,
        "line 2 of dev_seen.jsonl has no img, or no label of 0 or 1",
      );
    }
  }));

Deno.test("drawVideos() draws as NumPy does", () => {
  for (const { videos, test, val } of golden.draws) {
    const names = Array.from({ length: videos }, (_, i) => `video ${String(i).padStart(3, "0")}`);
    const partOf = drawVideos(names.toReversed());
    const drawn = (part: string) => names.filter((name) => partOf(name) === part);
    assertEquals([drawn("test"), drawn("val")], [test.toSorted(), val.toSorted()]);
    assertEquals(drawn("train").length, videos - test.length - val.length);
  }
});

Deno.test("openKittiDistance() takes the closest vehicle of each picture, and keeps videos together", () =>
  inTempFolder(async (folder) => {
    const object = (type: string, z: string) =>
      `${type} 0.00 0 -1.67 642.2 178.5 680.1 208.6 1.4 1.6 3.8 0.6 1.9 ${z} -1.65\n`;
    const labels = [
      object("Car", "30.02") + object("Pedestrian", "1.00"), // a pedestrian is no vehicle
      object("Van", "8.00") + object("Car", "20.01"),
      object("Truck", "8.01"),
      object("Tram", "3.00") + object("DontCare", "-1000"),
      object("Car", "20.01"),
    ];
    const frames = ["a", "b", "c"].map((video) =>
      `2011_09_26 2011_09_26_drive_${video} 0000000109\n`
    );
    const numbers = labels.map((_, i) => `00000${i}`);
    await writeFiles(folder, {
      "mapping/train_mapping.txt": frames.join(""),
      "mapping/train_rand.txt": "3,1,2,\n1,3\n",
      ...Object.fromEntries(labels.map((text, i) => [`training/label_2/${numbers[i]}.txt`, text])),
      ...pictureFiles(numbers.map((name) => `training/image_2/${name}.png`)),
    });
    const partOf = drawVideos(["a", "b", "c"]); // NumPy draws places, whatever the names
    const videos = ["c", "a", "b", "a", "c"];
    const classes = ["beyond 20 m", "up to 8 m", "8 to 20 m", "no vehicle", "beyond 20 m"];
    const expected = (part: string) =>
      numbers.flatMap((name, i) =>
        partOf(videos[i]!) === part ? [`training/image_2/${name}.png: ${classes[i]}`] : []
      );
    assertEquals(listingOf(await openKittiDistance(folder)), {
      train: expected("train"),
      val: expected("val"),
      test: expected("test"),
    });
    await Deno.writeTextFile(`${folder}/mapping/train_rand.txt`, "3,1,4\n");
    const fails = (text: string) => assertRejects(() => openKittiDistance(folder), Error, text);
    await fails("mapping/train_rand.txt has frame 4, train_mapping.txt has 3");
    await Deno.writeTextFile(`${folder}/training/label_2/000000.txt`, "Car 0.00 0");
    await Deno.writeTextFile(`${folder}/mapping/train_rand.txt`, "3,1,2\n");
    await fails('line 1 of training/label_2/000000.txt is unlike the published ones: "Car 0.00 0"');
    await Deno.remove(`${folder}/mapping`, { recursive: true });
    await fails("mapping/train_mapping.txt is missing; unpack data_object_image_2.zip and");
  }));
