// Judgements of the peers per second of CPU: node audit.js KIND FILE SECONDS, where KIND is observatory or evaluator.

import { readFileSync } from "node:fs";

const { evaluate, requests, scan } = await import(new URL("../tests/audit/peers.js", import.meta.url));
const [kind, file, seconds] = process.argv.slice(2);
const list = JSON.parse(readFileSync(file, "utf8"));

function once() {
  for (const one of list) {
    if (kind === "observatory") {
      scan(requests(one));
    } else {
      try {
        evaluate(one);
      } catch {
        // a URL that it cannot read
      }
    }
  }
}

if (kind !== "observatory") once();
const begun = process.hrtime.bigint();
const start = process.cpuUsage();
let count = 0;
do {
  once();
  count += list.length;
} while (process.hrtime.bigint() - begun < BigInt(seconds) * 1_000_000_000n);
const { user, system } = process.cpuUsage(start);
console.log(JSON.stringify({ count, cpu: (user + system) / 1e6 }));
