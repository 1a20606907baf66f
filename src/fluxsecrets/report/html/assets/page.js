"use strict";
// Filters of the findings. Without this script all findings are shown, and the form is not.
(() => {
  const form = document.getElementById("filters");
  const groups = [...document.querySelectorAll("details.rule")].map((element) => ({
    element,
    rule: element.dataset.rule,
    count: element.querySelector("[data-count]"),
    about: (element.querySelector("summary").textContent + " ").toLowerCase(),
    rows: [...element.querySelectorAll("tbody tr")].map((row) => ({
      row,
      severity: row.dataset.severity,
      environments: row.dataset.environments.split(" "),
      text: row.textContent.toLowerCase(),
    })),
  }));

  const open = (yes) => {
    for (const group of groups) group.element.open = yes;
  };

  const apply = () => {
    const severities = new Set(new FormData(form).getAll("severity"));
    const rule = form.elements.rule.value;
    const environment = form.elements.environment.value;
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    let all = 0;
    for (const group of groups) {
      let own = 0;
      for (const each of group.rows) {
        const text = group.about + each.text;
        const fits =
          severities.has(each.severity) &&
          (!rule || rule === group.rule) &&
          (!environment || each.environments.includes(environment)) &&
          words.every((word) => text.includes(word));
        each.row.hidden = !fits;
        own += fits ? 1 : 0;
      }
      group.element.hidden = own === 0;
      group.count.textContent = own === group.rows.length ? String(own) : `${own} of ${group.rows.length}`;
      shown += own;
      all += group.rows.length;
    }
    document.getElementById("shown").textContent =
      shown === all ? (all === 1 ? "1 finding" : `${all} findings`) : `${shown} of ${all} findings`;
    document.getElementById("nothing").hidden = shown > 0;
    if (words.length > 0 || rule) open(true);
  };

  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply, 0));
    document.getElementById("unfold").addEventListener("click", () => open(true));
    document.getElementById("fold").addEventListener("click", () => open(false));
    apply(); // a browser may have kept what was chosen before a reload
  }

  // A link into a closed part opens it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details")) target.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Paper can't be opened: all is printed, and what was closed is closed afterwards.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
