// The peers, asked without a network: what they say of a capture and of a policy.

import { createRequire } from "node:module";
import { readFileSync, mkdirSync, copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const observatory = join(here, "node_modules/@mdn/mdn-http-observatory");
// the preload list that its installation would download
mkdirSync(join(observatory, "conf"), { recursive: true });
copyFileSync(join(here, "preload.json"), join(observatory, "conf/hsts-preload.json"));

const { ALL_TESTS } = await import(`${observatory}/src/constants.js`);
const { getGradeForScore, getScoreModifier } = await import(`${observatory}/src/grader/grader.js`);
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await import(`${observatory}/src/grader/charts.js`);
const { Requests } = await import(`${observatory}/src/types.js`);
const { parseHttpEquivHeaders } = await import(`${observatory}/src/retriever/utils.js`);
const require = createRequire(import.meta.url);
const { AxiosHeaders } = require("axios");
const { CookieJar } = require("tough-cookie");
const { CspParser } = require("csp_evaluator/dist/parser.js");
const { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } = require("csp_evaluator/dist/evaluator.js");
const { Type, Severity } = require("csp_evaluator/dist/finding.js");

/** Pairs as Node's client gives them: joined, the first Content-Type, a list of Set-Cookie. */
function received(pairs) {
  const fields = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const text = value.trim();
    if (key === "set-cookie") (fields[key] ??= []).push(text);
    else if (!(key in fields)) fields[key] = text;
    else if (key !== "content-type") fields[key] += `, ${text}`;
  }
  return fields;
}

/** A capture as the Observatory's retriever would hand it on. */
export function requests(capture) {
  const url = new URL(capture.url);
  const made = new Requests(url.hostname);
  const fields = received(capture.headers);
  const response = { status: capture.status, headers: new AxiosHeaders(fields), verified: capture.verified, data: capture.body, request: {} };
  made.responses.auto = response;
  made.responses.https = capture.https ? response : null;
  made.resources.path = capture.body;
  if (capture.http) {
    const last = capture.http.at(-1);
    made.responses.http = { status: last.status, headers: new AxiosHeaders(), verified: last.url.startsWith("http:") || capture.verified };
    made.responses.httpRedirects = capture.http.map((hop) => ({ url: new URL(hop.url), status: hop.status }));
  }
  if (capture.cors) {
    made.responses.cors = {
      status: 200,
      headers: new AxiosHeaders(received(capture.cors.headers)),
      request: { headers: { origin: capture.cors.origin } },
      verified: true,
    };
  }
  const jar = new CookieJar();
  for (const cookie of fields["set-cookie"] ?? []) jar.setCookieSync(cookie, capture.url, { ignoreError: true });
  made.session = { url, jar };
  const html = ["text/html", "application/xhtml+xml"].includes(fields["content-type"]?.split(";")[0]);
  response.httpEquiv = html && capture.body ? parseHttpEquivHeaders(capture.body, capture.url) : new Map();
  return made;
}

/** What the Observatory says: tests by name, score and grade, or that it would refuse the status. */
export function scan(made) {
  const { status } = made.responses.auto;
  if (status < 200 || (status >= 400 && ![401, 403].includes(status))) return { refused: true };
  const tests = {};
  let every = 100;
  let base = 100;
  for (const test of ALL_TESTS) {
    const output = test(made);
    const modifier = getScoreModifier(output.result);
    tests[output.constructor.name] = { result: output.result, modifier, pass: output.pass };
    every += modifier;
    base += Math.min(modifier, 0);
  }
  return { tests, ...getGradeForScore(base >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? every : base) };
}

/** What csp-evaluator says, both lists of checks. */
export function evaluate(policy) {
  const findings = new CspEvaluator(new CspParser(policy).csp).evaluate(STRICTCSP_CHECKS, DEFAULT_CHECKS);
  return findings.map(({ type, severity, directive, value }) => ({ type: Type[type], severity: Severity[severity], directive, value: value ?? null }));
}
