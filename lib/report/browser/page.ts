/** The page that shows runs, as one text: its styles and scripts stand in it. */

/** A file that lies beside this one. */
export function asset(name: "page.html" | "runs.css"): string {
  return Deno.readTextFileSync(new URL(name, import.meta.url));
}

/** The class that draws curves, and a script that uses it, as the body of one script. */
export function scripts(caller: "page.js" | "cell.js"): string {
  const [chart, rest] = ["chart.js", caller].map((name) =>
    Deno.readTextFileSync(new URL(name, import.meta.url))
      .replace(/^import .*$/m, "").replaceAll(/^export /gm, "")
  );
  return `${chart}\n${rest}`;
}

/** The whole page; it needs nothing but the answers of its server. */
export function pageHtml(): string {
  return asset("page.html")
    .replace("/* styles */", () => asset("runs.css"))
    .replace("/* scripts */", () => scripts("page.js"));
}
