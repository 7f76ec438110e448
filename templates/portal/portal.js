// Optional script: shows a typed password, keeps form input when the language changes, and loads a page again when the
// person comes back to it. Every page works without it.
"use strict";
(() => {
  // Button that shows the typed password.
  const password = document.getElementById("password");
  const show = document.getElementById("show-password");
  if (password && show) {
    show.hidden = false;
    show.addEventListener("click", () => {
      const shown = password.type === "text";
      password.type = shown ? "password" : "text";
      show.setAttribute("aria-pressed", String(!shown));
      password.focus();
    });
    // Hides the password before the form is sent, so that the browser does not save it as plain text.
    password.form.addEventListener("submit", () => { password.type = "password"; });
  }

  // Keeps typed and chosen values when the page is loaded again or its language changes; they replace the new page's initial
  // values. Passwords are not kept, and the values are kept for the next page only.
  const form = document.getElementById("continue");
  const languages = document.querySelector("form.languages");
  const typed = form ? [...form.querySelectorAll("input[type=text]:not(#password), input[type=email]")] : [];
  const choices = form ? [...form.querySelectorAll("input[type=radio], input[type=hidden][id]")] : [];
  const of = form ? form.getAttribute("action") : "";
  const kept = JSON.parse(sessionStorage.getItem("typed") || "{}");
  sessionStorage.removeItem("typed");
  if (form && kept.of === of) {
    for (const input of typed) {
      if (input.id in kept.values) input.value = kept.values[input.id];
    }
    for (const input of choices) {
      if ((kept.chosen || []).includes(input.id)) input.checked = true;
    }
  }
  const keep = () => {
    const values = Object.fromEntries(typed.map((input) => [input.id, input.value]));
    const chosen = choices.filter((input) => input.checked || input.type === "hidden").map((input) => input.id);
    sessionStorage.setItem("typed", JSON.stringify({ of, values, chosen }));
  };
  if (form && languages) languages.addEventListener("submit", keep);

  // A page that shows what happened meanwhile is loaded again when the person comes back from Settings, unless the network
  // went with the old management. A page that asks about what happened sends its answers again.
  if (form && "again" in form.dataset) {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible" || !navigator.onLine) return;
      if (form.dataset.again === "send") {
        form.submit();
        return;
      }
      keep();
      location.replace(of);
    });
  }
})();
