// Mantlet says what its peers say, name by name; where it does not, the difference is one of docs/audit.md.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { captures, policies } from "./generate.js";
import { evaluate, requests, scan } from "./peers.js";

const mantlet = process.env.MANTLET;
assert.ok(mantlet, "MANTLET names the program");
const folder = mkdtempSync(join(tmpdir(), "mantlet-audit-"));
after(() => rmSync(folder, { recursive: true }));

function run(...words) {
  return JSON.parse(execFileSync(mantlet, words, { encoding: "utf8", maxBuffer: 1 << 28 }));
}

test("the Observatory and mantlet agree on every test, modifier, score and grade", () => {
  const seen = captures(600);
  const file = join(folder, "captures.json");
  writeFileSync(file, JSON.stringify(seen));
  const ours = run("scan", "--from-file", file, "--profile", "observatory", "--algorithm", "4", "--format", "json",
    "--preload-list", new URL("preload.json", import.meta.url).pathname);
  assert.equal(ours.length, seen.length);
  const results = new Set();
  const differences = [];
  seen.forEach((capture, i) => {
    const peer = scan(requests(capture));
    const { scan: head, tests } = ours[i];
    if (peer.refused) {
      if (!head.error || head.grade !== null) differences.push({ capture, peer, head });
      return;
    }
    const own = Object.fromEntries(
      Object.entries(tests).map(([name, { result, scoreModifier, pass }]) => [name, { result, modifier: scoreModifier, pass }]),
    );
    for (const [name, theirs] of Object.entries(peer.tests)) {
      results.add(theirs.result);
      const mine = own[name];
      if (JSON.stringify(mine) !== JSON.stringify(theirs)) {
        differences.push({ capture: capture.name, headers: capture.headers, body: capture.body, url: capture.url, name, theirs, mine });
      }
    }
    if (peer.score !== head.score || peer.grade !== head.grade) differences.push({ capture: capture.name, peer: [peer.score, peer.grade], mine: [head.score, head.grade] });
  });
  assert.deepEqual(differences.slice(0, 5), [], `${differences.length} differences`);
  // the captures are worth something only if they reach nearly every result
  assert.ok(results.size >= 50, `${results.size} of the Observatory's results were seen`);
});

/** Why a policy is judged otherwise on purpose; see docs/audit.md. */
function deliberate(policy) {
  if (policy.includes(",")) return "a comma separates policies";
  if (/'(trusted-types-eval|report-sha\d+|unsafe-webtransport-hashes)'|fenced-frame-src/i.test(policy)) return "words of today's CSP are known";
  return null;
}

const order = (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

test("csp-evaluator and mantlet agree on every finding", () => {
  const list = policies(readFileSync(new URL("policies.txt", import.meta.url), "utf8"), 1000);
  const file = join(folder, "policies.json");
  writeFileSync(file, JSON.stringify(list));
  const ours = run("csp", "evaluate", "--from-file", file, "--format", "json");
  assert.equal(ours.length, list.length);
  const differences = [];
  const types = new Set();
  let compared = 0;
  list.forEach((policy, i) => {
    assert.equal(ours[i].policy, policy);
    if (deliberate(policy)) return;
    let theirs;
    try {
      theirs = evaluate(policy);
    } catch (error) {
      assert.match(String(error), /Invalid URL/, policy);
      return;
    }
    compared += 1;
    const mine = ours[i].findings.map(({ type, severity, directive, value }) => ({ type, severity, directive, value }));
    for (const finding of ours[i].findings) {
      if (finding.value !== null) assert.equal(policy.slice(finding.start, finding.end).toLowerCase(), finding.value.toLowerCase());
    }
    theirs.forEach(({ type }) => types.add(type));
    theirs.sort(order);
    mine.sort(order);
    if (JSON.stringify(theirs) !== JSON.stringify(mine)) {
      const absent = (from, of) => from.filter((one) => !of.some((other) => JSON.stringify(other) === JSON.stringify(one)));
      differences.push({ policy, lacking: absent(theirs, mine), extra: absent(mine, theirs) });
    }
  });
  assert.deepEqual(differences.slice(0, 5), [], `${differences.length} differences`);
  assert.ok(compared >= 900, `${compared} policies compared`);
  assert.equal(types.size, 22, [...types].join(" "));
});
