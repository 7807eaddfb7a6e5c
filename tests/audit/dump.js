// The captures and policies of the agreement as files, for the benches: node dump.js FOLDER.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { captures, policies } from "./generate.js";

const folder = process.argv[2];
const text = readFileSync(new URL("policies.txt", import.meta.url), "utf8");
writeFileSync(join(folder, "captures.json"), JSON.stringify(captures(600)));
writeFileSync(join(folder, "policies.json"), JSON.stringify(policies(text, 1000)));
