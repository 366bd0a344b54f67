// Begins the page in this document.

import { start } from "./main.js";
import { actOnce } from "./once.js";

const [body, said] = [document.getElementById("page"), document.getElementById("said")];
actOnce(document);
if (body !== null && said !== null) start(body, said);
