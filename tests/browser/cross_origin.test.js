// Who may ask, with the pages of a real attacker. Browsers tell where a request comes from (Sec-Fetch-Site) to origins that are
// potentially trustworthy, such as those under localhost; to others, over plain http, they send Origin alone.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Started } from './support.js';

const started = new Started();
const POLICY = `preset = "balanced"
tell_reason = true
[hosts]
allowed = ["app.localhost", "app.test"]
`;
const ISOLATED = `${POLICY}
[resource_isolation]
[[route]]
path = "/public"
resource_isolation = false
headers.cross-origin-resource-policy = "cross-origin"
`;
const IMAGE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
/** What the application was asked. */
const seen = [];
let attacker, guarded, isolated, browsers;

before(async () => {
  const upstream = await started.application(answer, greet);
  const port = async (policy) => new URL(await started.serve(upstream, policy)).port;
  [guarded, isolated] = [await port(POLICY), await port(ISOLATED)];
  attacker = await started.application(attack);
});
beforeEach(() => {
  seen.splice(0);
  browsers = new Started();
});
afterEach(() => browsers.end());
after(() => started.end());

function note(request) {
  const { 'sec-fetch-site': site, origin } = request.headers;
  seen.push({ method: request.method, path: request.url, site, origin });
}

/** The application: pages with a form, an image and a script. */
function answer(request, response) {
  note(request);
  if (request.url.endsWith('.gif')) return response.writeHead(200, { 'Content-Type': 'image/gif' }).end(IMAGE);
  if (request.url.endsWith('.js')) return response.writeHead(200, { 'Content-Type': 'text/javascript' }).end('ran = true');
  response.setHeader('Content-Type', 'text/html');
  return response.end(`<!doctype html><title>${request.method} ${request.url}</title>
    <form method="post" action="/transfer"><button>Send</button></form>`);
}

/** The application's WebSocket: one greeting. */
function greet(request, socket) {
  note(request);
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')]));
}

/** The attacker's page: a form and a link to `to`, with the Referrer-Policy `referrer`. */
function attack(request, response) {
  const query = new URL(request.url, 'http://attacker').searchParams;
  response.setHeader('Content-Type', 'text/html');
  if (query.has('referrer')) response.setHeader('Referrer-Policy', query.get('referrer'));
  response.end(`<!doctype html><title>attacker</title>
    <form method="post" action="${query.get('to')}"><button>Win a prize</button></form>
    <a href="${query.get('to')}">Look</a>`);
}

/** A page of the attacker at `name`, aimed at `to`. */
async function attackFrom(name, to, more = {}) {
  const page = await browsers.page();
  const query = new URLSearchParams({ to, ...more });
  await page.goto(`http://${name}:${attacker}/?${query}`);
  return page;
}

/** Clicks what leads to another page; the response that it is made of. */
async function followed(page, selector) {
  const arrived = page.waitForResponse((response) => response.request().isNavigationRequest());
  await page.click(selector);
  const response = await arrived;
  await page.waitForLoadState();
  return response;
}

async function assertDenied(page, reason) {
  const response = await followed(page, 'button');
  assert.equal(response.status(), 403);
  assert.equal(response.headers()['mantlet-reason'], reason);
  assert.equal(await page.textContent('h1'), '403 Forbidden');
  assert.equal(await page.textContent('p'), 'Cross-origin request rejected.');
  assert.deepEqual(asked('/transfer'), []);
}

const asked = (path) => seen.filter((request) => request.path === path);

/** The first message of a WebSocket, or `refused`. */
function greeting(page, url) {
  return page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onmessage = (event) => resolve(event.data);
        socket.onclose = () => resolve('refused');
      }),
    url,
  );
}

for (const [name, site] of [
  ['app.localhost', 'same-origin'],
  ['app.test', undefined],
]) {
  test(`${name}: its own form and its own fetch pass, Sec-Fetch-Site: ${site}`, async () => {
    const page = await browsers.page();
    const origin = `http://${name}:${guarded}`;
    await page.goto(origin);
    const response = await followed(page, 'button');
    assert.equal(response.status(), 200);
    assert.equal(await page.title(), 'POST /transfer');
    const status = await page.evaluate(async () => (await fetch('/fetched', { method: 'POST', body: 'x' })).status);
    assert.equal(status, 200);
    assert.deepEqual(asked('/transfer'), [{ method: 'POST', path: '/transfer', site, origin }]);
    assert.deepEqual(asked('/fetched'), [{ method: 'POST', path: '/fetched', site, origin }]);
    assert.deepEqual(page.violations, []);
  });
}

test('a form of another site is denied', async () => {
  const page = await attackFrom('evil.localhost', `http://app.localhost:${guarded}/transfer`);
  await assertDenied(page, 'origin.cross-site');
});

test('a form of another host of the same site is denied', async () => {
  const page = await attackFrom('sub.app.localhost', `http://app.localhost:${guarded}/transfer`);
  await assertDenied(page, 'origin.same-site');
});

test('a form of the same host at another port is denied', async () => {
  const page = await attackFrom('app.localhost', `http://app.localhost:${guarded}/transfer`);
  await assertDenied(page, 'origin.same-site');
});

test('a form of another site over plain http, where no Sec-Fetch-Site is sent, is denied', async () => {
  const page = await attackFrom('evil.test', `http://app.test:${guarded}/transfer`);
  await assertDenied(page, 'origin.foreign');
});

test('a form of another site that hides its origin is denied', async () => {
  const to = `http://app.test:${guarded}/transfer`;
  const page = await attackFrom('evil.test', to, { referrer: 'no-referrer' });
  await assertDenied(page, 'origin.null');
});

test('a fetch of another site that needs no preflight is denied', async () => {
  for (const [name, own] of [
    ['evil.localhost', 'app.localhost'],
    ['evil.test', 'app.test'],
  ]) {
    const page = await attackFrom(name, `http://${own}:${guarded}/`);
    const failing = page.waitForEvent('requestfailed');
    const sent = { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' };
    await page.evaluate(([to, sent]) => fetch(to, sent).catch(String), [`http://${own}:${guarded}/transfer`, sent]);
    // it came back with an answer, which is the denial, that the page may not read
    assert.match((await failing).failure().errorText, /BLOCKED_BY_RESPONSE/);
    assert.deepEqual(asked('/transfer'), []);
  }
});

test('a link from another site leads in', async () => {
  for (const [name, own, site] of [
    ['evil.localhost', 'app.localhost', 'cross-site'],
    ['evil.test', 'app.test', undefined],
  ]) {
    const page = await attackFrom(name, `http://${own}:${guarded}/article`);
    assert.equal((await followed(page, 'a')).status(), 200);
    assert.equal(await page.title(), 'GET /article');
    assert.deepEqual(asked('/article').pop(), { method: 'GET', path: '/article', site, origin: undefined });
  }
});

test('a WebSocket of another origin is refused, one of its own opens', async () => {
  for (const [own, others] of [
    ['app.localhost', ['evil.localhost', 'sub.app.localhost']],
    ['app.test', ['evil.test', 'sub.app.test']],
  ]) {
    const url = `ws://${own}:${guarded}/socket`;
    for (const other of others) {
      const page = await attackFrom(other, `http://${own}:${guarded}/`);
      assert.equal(await greeting(page, url), 'refused', other);
      assert.deepEqual(asked('/socket'), [], other);
    }
    const page = await browsers.page();
    await page.goto(`http://${own}:${guarded}`);
    assert.equal(await greeting(page, url), 'hello', own);
    assert.equal(asked('/socket').length, 1);
    seen.splice(0);
  }
});

test('a name that the policy does not list is no way in', async () => {
  const page = await browsers.page();
  // what a rebound name looks like: the browser takes the service for the attacker's own
  const response = await page.goto(`http://evil.test:${guarded}/`);
  assert.equal(response.status(), 400);
  assert.equal(response.headers()['mantlet-reason'], 'host.unknown');
  assert.deepEqual(seen, []);
});

/** Loads `path` of the application from the page of another site in three ways; those that came through. */
function loaded(page, origin, path) {
  return page.evaluate(
    async ([origin, path]) => {
      const element = (name, url) =>
        new Promise((resolve) => {
          const element = document.createElement(name);
          element.onload = () => resolve(name);
          element.onerror = () => resolve();
          element.src = url;
          document.head.append(element);
        });
      const ways = [
        element('img', `${origin}${path}/image.gif`),
        element('script', `${origin}${path}/script.js`),
        fetch(`${origin}${path}/fetched.js`, { mode: 'no-cors' }).then(
          () => 'fetch',
          () => undefined,
        ),
      ];
      return (await Promise.all(ways)).filter(Boolean);
    },
    [origin, path],
  );
}

test('under resource isolation another site loads nothing but what a route makes public, and links still lead in', async () => {
  const origin = `http://app.localhost:${isolated}`;
  const page = await attackFrom('evil.localhost', `${origin}/article`);
  assert.deepEqual(await loaded(page, origin, ''), []);
  assert.deepEqual(seen, []);
  assert.deepEqual(await loaded(page, origin, '/public'), ['img', 'script', 'fetch']);
  assert.deepEqual(asked('/public/image.gif'), [
    { method: 'GET', path: '/public/image.gif', site: 'cross-site', origin: undefined },
  ]);
  const response = await followed(page, 'a');
  assert.equal(response.status(), 200);
  assert.equal(await page.title(), 'GET /article');
  assert.match(response.headers().vary, /sec-fetch-site/);
});

test('under resource isolation its own pages load everything, and so does the same site', async () => {
  const origin = `http://app.localhost:${isolated}`;
  const page = await browsers.page();
  await page.goto(origin);
  assert.deepEqual(await loaded(page, origin, ''), ['img', 'script', 'fetch']);
  seen.splice(0);
  const neighbour = await attackFrom('sub.app.localhost', origin);
  await loaded(neighbour, origin, '');
  assert.deepEqual(
    seen.map(({ path, site }) => `${site} ${path}`).sort(),
    ['/fetched.js', '/image.gif', '/script.js'].map((path) => `same-site ${path}`),
  );
});

test('without resource isolation the application is asked by the same page', async () => {
  const origin = `http://app.localhost:${guarded}`;
  const page = await attackFrom('evil.localhost', origin);
  await loaded(page, origin, '');
  assert.equal(seen.filter(({ site }) => site === 'cross-site').length, 3);
});
