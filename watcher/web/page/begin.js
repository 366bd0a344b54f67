// Begins the page in this document.

import { start } from "./main.js";

const [body, said] = [document.getElementById("page"), document.getElementById("said")];
if (body !== null && said !== null) start(body, said);
