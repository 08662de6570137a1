/**
 * Searches the book. `sections` are `{ file, chapter, heading, anchor, text }`, in the book's order;
 * the index page defines them before this script.
 */
{
  const [input, results, said] = ["input", "ol", "p"].map((tag) =>
    document.querySelector(`.search ${tag}`)
  );
  const chapters = document.querySelector(".chapters");
  const most = 30; // results that are shown
  const around = 90; // letters of the text on each side of a word

  /** Letters without case and accents, one for each letter of the text. */
  const plain = (text) =>
    [...text].map((letter) => letter.normalize("NFD")[0].toLowerCase()[0]).join("");
  const prepared = sections.map((section) => ({
    ...section,
    letters: [...section.text],
    plain: plain(section.text),
    titles: [section.heading, section.chapter].map(plain),
  }));

  /** Where a word begins with these letters; elsewhere they are no match. */
  const placesOf = (word, text) => {
    const places = [];
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) places.push(at);
    }
    return places;
  };
  const scoreOf = (section, words) => {
    let score = 0;
    for (const word of words) {
      const [heading, chapter] = section.titles.map((title) => placesOf(word, title).length);
      const found = 8 * heading + 3 * chapter + Math.min(placesOf(word, section.plain).length, 5);
      if (found === 0) return 0;
      score += found;
    }
    return score;
  };

  const excerpt = ({ letters, plain }, words) => {
    const first = Math.min(...words.flatMap((word) => placesOf(word, plain)), letters.length);
    const before = Math.max(0, (first === letters.length ? 0 : first) - around);
    const from = before === 0 ? 0 : plain.indexOf(" ", before) + 1; // not within a word
    const to = Math.min(letters.length, from + 2 * around);
    const parts = document.createElement("span");
    parts.append(from > 0 ? "… " : "");
    for (let at = from; at < to;) {
      const word = words.find((word) => placesOf(word, plain).includes(at));
      const end = word ? at + word.length : at + 1;
      const text = letters.slice(at, end).join("");
      if (word) parts.append(Object.assign(document.createElement("mark"), { textContent: text }));
      else parts.append(text);
      at = end;
    }
    parts.append(to < letters.length ? " …" : "");
    parts.normalize();
    return parts;
  };

  const search = () => {
    const words = plain(input.value).split(/[^\p{L}\p{N}_.×]+/u).filter((word) => word);
    chapters.hidden = words.length > 0;
    if (words.length === 0) {
      results.replaceChildren();
      said.textContent = "";
      return;
    }
    const found = prepared.map((section) => ({ section, score: scoreOf(section, words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score);
    said.textContent = found.length === 0
      ? "Nothing has all of these words."
      : `${found.length} ${
        found.length === 1 ? "section has" : "sections have"
      } all of these words` +
        (found.length > most ? `; the first ${most}:` : ":");
    results.replaceChildren(
      ...found.slice(0, most).map(({ section }) => {
        const { file, anchor, chapter, heading } = section;
        const link = document.createElement("a");
        link.href = `${file}#${anchor}`;
        link.textContent = heading === chapter ? chapter : `${chapter} › ${heading}`;
        const item = document.createElement("li");
        item.append(link, excerpt(section, words));
        return item;
      }),
    );
  };
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  input.addEventListener("input", search);
  input.form.addEventListener("submit", (event) => event.preventDefault());
  search();
}
