// Header sets and policies for the agreement with peers: hand-picked ones, and some drawn by a generator with a fixed seed.

/** A generator of numbers that is the same everywhere (mulberry32). */
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const SOURCES = [
  "'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "'strict-dynamic'", "'unsafe-hashes'", "'wasm-unsafe-eval'",
  "'report-sample'", "'nonce-cmFuZG9tMTIz'", "'nonce-short'", "'NONCE-Abc'", "'nonce-bad!chars'", "'sha256-YWJjZGVm='", "'sha512-x_-y=='",
  "https:", "http:", "data:", "blob:", "ws:", "*", "https://*", "http://*", "*.com", "*.google.com", "www.google.com",
  "https://www.google.com/tools/feedback/", "ajax.googleapis.com", "https://ajax.googleapis.com/ajax/libs/", "cdn.example.com", "https://cdn.example.com/lib/a.js",
  "https://cdn.example.com/lib/", "https://cdn.example.com:8443", "cdn.example.com:*", "http://plain.example", "127.0.0.1", "10.0.0.1:8080", "[::1]",
  "0x7f.1", "www.google-analytics.com", "www.googletagmanager.com", "self", "unsafe-inline", "none", "nonce-abc", "sha256-abc", "'selfish'",
  "'SELF'", "HTTPS:", "https://CDN.example.com", "localhost", "//cdn.example.com", "ftp:", "ftp://files.example", "img-src", "default-src",
  "cdn.jsdelivr.net", "unpkg.com", "*.cloudflare.com", "cdnjs.cloudflare.com", "vk.com", "*.vk.com", "https://vk.com/swf/video.swf", "a.b", "*.*",
];
const DIRECTIVES = [
  "default-src", "script-src", "script-src", "script-src", "style-src", "img-src", "object-src", "object-src", "base-uri", "form-action", "frame-ancestors",
  "script-src-elem", "script-src-attr", "connect-src", "font-src", "frame-src", "media-src", "worker-src", "child-src", "manifest-src",
];
const WHOLE = [
  "upgrade-insecure-requests", "block-all-mixed-content", "sandbox", "sandbox allow-scripts", "report-uri /csp", "report-uri https://r.example/csp",
  "report-uri http://r.example/csp", "report-to csp", "require-trusted-types-for 'script'", "trusted-types default", "trusted-types 'allow-duplicates' a",
  "plugin-types application/pdf", "plugin-types application/x-shockwave-flash", "reflected-xss block", "referrer no-referrer", "prefetch-src 'self'",
  "navigate-to 'self'", "require-sri-for script", "scriptsrc 'self'", "script-src: 'self'", "report-uri /127.0.0.1/x", "webrtc 'block'", "disown-opener",
  "", " ", "img-src", "Script-Src 'Self'",
];

/** A policy drawn from words that matter. */
export function policy(random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const directives = [];
  const count = 1 + Math.floor(random() * 5);
  for (let i = 0; i < count; i += 1) {
    if (random() < 0.25) {
      directives.push(pick(WHOLE));
      continue;
    }
    const words = [pick(DIRECTIVES)];
    const length = Math.floor(random() * 5);
    for (let j = 0; j < length; j += 1) words.push(pick(SOURCES));
    directives.push(words.join(random() < 0.05 ? "  " : " "));
  }
  return directives.join(random() < 0.5 ? "; " : ";") + (random() < 0.2 ? ";" : "");
}

/** Policies: hand-picked from policies.txt, the others drawn. */
export function policies(text, count) {
  const picked = text.split("\n").filter((line) => line.trim() && !line.startsWith("#"));
  const random = numbers(20261122);
  while (picked.length < count) {
    const drawn = policy(random);
    if (drawn.trim()) picked.push(drawn);
  }
  return picked;
}

const FIELDS = {
  "strict-transport-security": [
    "max-age=31536000; includeSubDomains; preload", "max-age=15552000", "max-age=15551999", "max-age=0", "max-age=", "max-age=\"31536000\"", "includeSubDomains",
    "max-age=31536000, max-age=31536000", "MAX-AGE=63072000 ; IncludeSubdomains", "max-age =31536000", "max-age=-1", "", "max-age=1; max-age=31536000", "max-age= 31536000",
  ],
  "x-content-type-options": ["nosniff", "NoSniff", "nosniff, nosniff", "none", "", " nosniff "],
  "x-frame-options": ["DENY", "sameorigin", "ALLOW-FROM https://a.example", "ALLOWALL", "DENY, DENY", "", "deny;"],
  "referrer-policy": [
    "no-referrer", "unsafe-url", "strict-origin-when-cross-origin", "no-referrer, unsafe-url", "unsafe-url, no-referrer", "origin", "bogus", "bogus, same-origin", "",
    "NO-REFERRER", "no-referrer-when-downgrade",
  ],
  "cross-origin-resource-policy": ["same-origin", "same-site", "cross-origin", "SAME-ORIGIN", "none", "", "same-origin, same-origin"],
  "content-security-policy-report-only": ["default-src 'self'", ""],
  "access-control-allow-origin": ["*"],
};
const COOKIES = [
  "sessionid=a; Secure; HttpOnly; SameSite=Lax; Path=/", "sessionid=a", "sessionid=a; HttpOnly", "sessionid=a; Secure", "theme=dark", "theme=dark; Secure",
  "theme=dark; Secure; SameSite=None", "theme=dark; SameSite=None", "theme=dark; SameSite=Bogus", "theme=dark; Secure; SameSite", "csrftoken=a; Secure",
  "csrftoken=a; Secure; SameSite=Strict", "__Host-a=b; Secure; Path=/", "__Host-a=b", "__Secure-a=b; SameSite=Lax", "=b", "novalue", "a=b; Domain=.example.com; Secure",
  "a=b; Domain=com", "a=b; Domain=other.example", "heroku-session-affinity=x", "a=; Max-Age=0", "LOGIN=x; Secure; HttpOnly", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure",
  "theme=light; Secure; SameSite=Lax; Path=/", "a=b; SameSite=Lax; SameSite=Strict; Secure", "a=b;;; secure ; httponly=1", "a=b; Path=x; Secure; SameSite = Lax",
];
const TYPES = ["text/html", "text/html; charset=utf-8", "text/html; charset=utf-8", "application/xhtml+xml", "application/json", "Text/HTML", "text/plain"];
const SCRIPTS = [
  "<script src=/own.js></script>", "<script src=/own.js integrity=sha384-x></script>", "<script src=https://cdn.other.org/x.js></script>",
  "<script src=https://cdn.other.org/x.js integrity=sha384-x crossorigin></script>", "<script src=http://cdn.other.org/x.js></script>",
  "<script src=http://cdn.other.org/x.js integrity=sha384-x></script>", "<script src=//cdn.other.org/x.js></script>", "<script src=//cdn.other.org/x.js integrity=sha384-x></script>",
  "<script src=https://static.example.com/x.js></script>", "<script src=http://static.example.com/x.js></script>", "<script>inline()</script>", "<script src=''></script>",
  "<script src='HTTPS://CDN.other.org/x.js'></script>", "<script src=' https://cdn.other.org/y.js ' integrity=''></script>", "<script src=data:text/javascript,1></script>",
  "<!-- <script src=https://cdn.other.org/x.js></script> -->", "<template><script src=https://cdn.other.org/x.js></script></template>",
  "<textarea><script src=https://cdn.other.org/x.js></script></textarea>", "<noscript><script src=https://cdn.other.org/x.js></script></noscript>",
  "<base href=https://cdn.other.org/><script src=x.js></script>", "<svg><script href=https://cdn.other.org/x.js></script></svg>",
];
const METAS = [
  "<meta http-equiv=Content-Security-Policy content=\"default-src 'self'\">", "<meta http-equiv=content-security-policy content=\"default-src 'none'; script-src 'self'\">",
  "<meta http-equiv=Content-Security-Policy content=\"frame-ancestors 'none'\">", "<meta http-equiv=Content-Security-Policy content=''>",
  "<META HTTP-EQUIV=' Content-Security-Policy ' CONTENT=\"script-src 'unsafe-inline'\">", "<meta name=referrer content=no-referrer>", "<meta name=referrer content=unsafe-url>",
  "<meta name=referrer content=bogus>", "<meta http-equiv=refresh content=1 name=referrer>", "<meta name=referrer content=''>",
];
const HOSTS = ["www.example.com", "www.example.com", "www.example.com", "example.co.uk", "site.preloaded.example", "alone.example", "sub.alone.example", "pinned.example", "localhost", "127.0.0.1", "a.github.io"];
const ROUTES = [
  (h) => [[`http://${h}/`, 301], [`https://${h}/`, 200]],
  (h) => [[`http://${h}/`, 200]],
  (h) => [[`http://${h}/`, 302], [`http://${h}/www`, 302], [`https://${h}/www`, 200]],
  (h) => [[`http://${h}/`, 301], [`https://elsewhere.org/`, 200]],
  (h) => [[`http://${h}/`, 301], [`http://elsewhere.org/`, 200]],
  (h) => [[`http://${h}/`, 301], [`https://${h}/`, 302], [`http://${h}/x`, 200]],
  () => [["http://preloaded.example/", 301], ["https://www.preloaded.example/", 200]],
];
const CORS = [
  null, null, [["access-control-allow-origin", "*"]], [["Access-Control-Allow-Origin", "https://probe.example"], ["Access-Control-Allow-Credentials", "true"]],
  [["access-control-allow-origin", "https://probe.example"]], [["access-control-allow-origin", "https://a.example"], ["access-control-allow-credentials", "true"]],
  [["access-control-allow-origin", ""]], [["access-control-allow-origin", " * "]], [["access-control-allow-origin", "https://probe.example"], ["access-control-allow-credentials", "TRUE "]], [],
];

/** A capture drawn from values that matter. */
export function capture(random, index) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const headers = [];
  if (random() < 0.93) headers.push(["Content-Type", pick(TYPES)]);
  for (const [name, values] of Object.entries(FIELDS)) {
    if (random() < 0.6) headers.push([random() < 0.5 ? name : name.toUpperCase(), pick(values)]);
    if (random() < 0.04) headers.push([name, pick(values)]);
  }
  const good = ["default-src 'none'", "default-src 'self'", "default-src 'self'; object-src 'none'; frame-ancestors 'none'", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'"];
  const count = random() < 0.2 ? 0 : random() < 0.85 ? 1 : 2;
  for (let i = 0; i < count; i += 1) {
    headers.push(["Content-Security-Policy", random() < 0.35 ? pick(good) : policy(random).trim()]);
  }
  for (let i = Math.floor(random() * 3); i > 0; i -= 1) headers.push(["Set-Cookie", pick(COOKIES)]);
  const host = pick(HOSTS);
  const https = random() < 0.92;
  let body = "<!doctype html><title>t</title>";
  if (random() < 0.25) body += pick(METAS);
  if (random() < 0.1) body += pick(METAS);
  body += "<body>";
  for (let i = Math.floor(random() * 3); i > 0; i -= 1) body += pick(SCRIPTS);
  const cors = pick(CORS);
  return {
    name: `drawn ${index}`,
    url: `${https ? "https" : "http"}://${host}${random() < 0.2 ? "/shop/cart" : "/"}`,
    https,
    verified: random() < 0.93,
    status: random() < 0.85 ? 200 : pick([204, 301, 401, 403, 404, 500]),
    headers,
    body,
    http: random() < 0.15 && https ? null : pick(ROUTES)(host).map(([url, status]) => ({ url, status })),
    cors: cors && { origin: "https://probe.example", headers: cors },
  };
}

/** Captures: one for each value of each field, then drawn ones. */
export function captures(count) {
  const list = [];
  const route = ROUTES[0]("www.example.com").map(([url, status]) => ({ url, status }));
  const plain = (name, headers, more = {}) =>
    list.push({ name, url: "https://www.example.com/", https: true, verified: true, status: 200, headers, body: "<p>", http: route, cors: null, ...more });
  const html = ["Content-Type", "text/html"];
  for (const [name, values] of Object.entries(FIELDS)) for (const value of values) plain(`${name}: ${value}`, [html, [name, value]]);
  for (const cookie of COOKIES) {
    plain(`cookie ${cookie}`, [html, ["Set-Cookie", cookie]]);
    plain(`cookie ${cookie} with hsts`, [html, ["Set-Cookie", cookie], ["Strict-Transport-Security", "max-age=31536000"]]);
  }
  for (const script of SCRIPTS) plain(`script ${script}`, [html], { body: script });
  for (const meta of METAS) plain(`meta ${meta}`, [html], { body: meta });
  for (const value of TYPES) plain(`type ${value}`, [["Content-Type", value]], { body: SCRIPTS[2] + METAS[0] });
  ROUTES.forEach((make, i) => plain(`route ${i}`, [html], { http: make("www.example.com").map(([url, status]) => ({ url, status })) }));
  CORS.forEach((headers, i) => plain(`cors ${i}`, [html], { cors: headers && { origin: "https://probe.example", headers } }));
  const random = numbers(47);
  for (let i = 0; list.length < count; i += 1) list.push(capture(random, i));
  return list;
}
