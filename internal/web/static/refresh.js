// Fetches the page again every few seconds and puts its new content in place of
// the old, so that the place on the page and what is being typed stay.
"use strict";
(function () {
  const seconds = () => Number(document.getElementById("page")?.dataset.refresh || 0);
  const busy = () => document.hidden || document.activeElement?.closest("form") || String(document.getSelection());

  async function refresh() {
    if (!busy()) {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; } // the session has ended
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["#page", ".now"]) {
          document.querySelector(part).replaceWith(document.importNode(fresh.querySelector(part), true));
        }
      }
    }
    plan();
  }
  function plan() {
    if (seconds() > 0) setTimeout(() => refresh().catch(plan), seconds() * 1000);
  }
  plan();
})();
