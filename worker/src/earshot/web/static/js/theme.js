// Light, dark, or as the system. A classic script in the head, so that the first paint is right.
(function () {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const order = ["system", "light", "dark"];
  let choice = "system";
  try {
    choice = localStorage.getItem("earshot.theme") || "system";
  } catch {
    // storage may be switched off: the choice then lasts as long as the page
  }

  function apply() {
    const dark = choice === "dark" || (choice !== "light" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (!button) return;
    const icon = choice === "light" ? "sun" : choice === "dark" ? "moon" : "contrast";
    button.querySelector("use").setAttribute("href", `icons.svg#${icon}`);
    const label = `Colours: ${choice === "system" ? "as the system" : choice}`;
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", () => {
      choice = order[(order.indexOf(choice) + 1) % order.length];
      try {
        localStorage.setItem("earshot.theme", choice);
      } catch {
        // as above
      }
      apply();
    });
  });
})();
