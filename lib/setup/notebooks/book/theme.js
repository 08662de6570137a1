/**
 * Light or dark, as the system is, until the reader presses the button; the choice is kept. It
 * stands in the head of every page, so that no page is drawn light first.
 */
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("bcssl-theme");
    } catch {
      return null; // a browser that keeps nothing follows the system
    }
  };
  const apply = (theme = kept() ?? (system.matches ? "dark" : "light")) => {
    root.dataset.theme = theme;
  };
  apply();
  system.addEventListener("change", () => apply());
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      const other = root.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("bcssl-theme", other);
      } catch { /* it holds until the page is left */ }
      apply(other);
    });
  });
}
