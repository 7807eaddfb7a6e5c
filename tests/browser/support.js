// Programs of the tests: started here, waited for with a deadline, stopped by the handle that started them.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAM = path.resolve(process.env.MANTLET ?? path.join(ROOT, 'target/debug/mantlet'));
const PYTHON = path.join(ROOT, '.venv/bin/python');
/** How long anything may take, in milliseconds. */
export const PATIENCE = 60_000;

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // every name is this machine, and no navigation tries https first
  '--host-resolver-rules=MAP * 127.0.0.1',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
];

/** What a test has started; `end` stops it, the last first. */
export class Started {
  #ends = [];

  async end() {
    for (const end of this.#ends.reverse()) await end();
  }

  folder() {
    const folder = mkdtempSync(path.join(tmpdir(), 'mantlet-browser-'));
    this.#ends.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    return folder;
  }

  /** Runs a program until the test ends; resolves with the match of `pattern` in what it says. */
  async program(command, words, pattern, folder = this.folder()) {
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('MANTLET'));
    const child = spawn(command, words, {
      cwd: folder,
      env: Object.fromEntries(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    this.#ends.push(async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    });
    let said = '';
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${path.basename(command)} ${why}:\n${said}`));
      const timer = setTimeout(() => fail(`has not said ${pattern}`), PATIENCE);
      const hear = (data) => {
        said += data;
        const found = pattern.exec(said);
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', (error) => fail(`did not start (${error.message})`));
      ended.then((code) => fail(`ended (${code})`));
    });
  }

  /** `mantlet` with these words. */
  mantlet(words, pattern, folder) {
    return this.program(PROGRAM, words, pattern, folder);
  }

  /** `mantlet serve` before a port with the text of a policy file; its origin. */
  async serve(upstream, policy) {
    const folder = this.folder();
    writeFileSync(path.join(folder, 'mantlet.toml'), policy);
    const words = ['serve', '--listen', '127.0.0.1:0', '--upstream', `http://127.0.0.1:${upstream}`];
    const [, origin] = await this.mantlet(words, /(http:\/\/127\.0\.0\.1:\d+) -> /, folder);
    return origin;
  }

  /** The FastAPI application of `tests/apps`; its port. */
  async fastapi() {
    const words = ['-m', 'uvicorn', '--app-dir', path.join(ROOT, 'tests/apps'), '--port', '0', 'fastapi_app:app'];
    const [, port] = await this.program(PYTHON, words, /running on http:\/\/127\.0\.0\.1:(\d+)/);
    return Number(port);
  }

  /** The Streamlit application of `tests/apps`; its port. */
  async streamlit() {
    const port = await freePort();
    const options = {
      'server.port': port,
      'server.address': '127.0.0.1',
      'server.headless': true,
      'server.fileWatcherType': 'none',
      'browser.gatherUsageStats': false,
    };
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const app = path.join(ROOT, 'tests/apps/streamlit_app.py');
    await this.program(PYTHON, ['-m', 'streamlit', 'run', app, ...words], /URL: http/);
    return port;
  }

  /** An application made of one function, and of one for connections that switch to another protocol; its port. */
  async application(answer, switched) {
    const server = http.createServer(answer);
    const tunnels = new Set();
    if (switched) {
      server.on('upgrade', (request, socket) => {
        tunnels.add(socket);
        socket.once('error', () => socket.destroy());
        switched(request, socket);
      });
    }
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#ends.push(() => {
      for (const socket of tunnels) socket.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return server.address().port;
  }

  /** A page of a fresh Chromium, which notes every violation of a policy, in `page.violations`. Every name is this machine. */
  async page() {
    const context = await chromium.launchPersistentContext(this.folder(), {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: FLAGS,
      ignoreDefaultArgs: ['--headless=old'],
    });
    this.#ends.push(() => context.close());
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(PATIENCE);
    page.violations = [];
    page.errors = [];
    const note = (_, violation) => page.violations.push(violation);
    await context.exposeBinding('noteViolation', note);
    await context.addInitScript(() => {
      addEventListener(
        'securitypolicyviolation',
        (event) =>
          globalThis.noteViolation({
            directive: event.effectiveDirective,
            blocked: event.blockedURI,
            sample: event.sample,
            source: `${event.sourceFile}:${event.lineNumber}`,
          }),
        true,
      );
    });
    page.on('console', (message) => {
      const text = message.text();
      if (/Content.Security.Policy|violates the following/i.test(text)) page.violations.push({ console: text });
      else if (message.type() === 'error') page.errors.push(text);
    });
    page.on('pageerror', (error) => page.errors.push(String(error)));
    return page;
  }
}

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** The policy files that tests use, by name. */
export const POLICIES = {
  streamlit: `preset = "streamlit"
[cookies]
secure = true
samesite = "Lax"
[cookies.exceptions._streamlit_xsrf]
httponly = false
`,
  fastapi: `preset = "balanced"
[[route]]
path = "/docs"
overlay = "swagger-ui"
[[route]]
path = "/redoc"
overlay = "redoc"
`,
  nonce: `preset = "strict"
nonce_upstream = true
[csp]
script-src = ["'nonce'"]
`,
};
