// Goes on to this page of the current release, or says why there is none.
"use strict";
window.site = {
  data(_name, { release, held }) {
    if (release) {
      const page = location.pathname.split("/").pop() || "index.html";
      location.replace(`releases/${encodeURIComponent(release)}/${page}${location.hash}`);
      return;
    }
    document.getElementById("state").textContent = "Nothing has been published yet.";
    for (const reason of held?.reasons ?? []) {
      const item = document.createElement("li");
      item.textContent = reason;
      document.getElementById("reasons").append(item);
    }
  },
};
