// A running proxy, as an operator starts it: `meritorder serve`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class Proxy {
  #told = new Map();

  // With this configuration, or with the shipped one on the sandbox market.
  static async start(configuration) {
    const proxy = new Proxy();
    proxy.folder = await mkdtemp(join(tmpdir(), "meritorder-clients-"));
    if (configuration) await writeFile(join(proxy.folder, "config.toml"), configuration);
    proxy.child = spawn(process.env.MERITORDER ?? "meritorder", ["serve", "--port", "0"], {
      cwd: proxy.folder,
      env: {
        ...process.env,
        ...(configuration
          ? {}
          : { MERITORDER_SANDBOX__ENABLED: "always", MERITORDER_SANDBOX__SPEED: "20" }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = [];
    createInterface({ input: proxy.child.stderr }).on("line", (line) => {
      said.push(line);
      if (line.startsWith("{")) {
        const told = JSON.parse(line);
        proxy.#of(told.request).resolve(told);
      }
    });
    for await (const line of createInterface({ input: proxy.child.stdout })) {
      proxy.root = /^meritorder (http:\S+)/.exec(line)?.[1];
      break;
    }
    if (!proxy.root) throw new Error(`the proxy did not start: ${said.join("\n")}`);
    proxy.url = `${proxy.root}/v1`;
    proxy.child.stdout.resume();
    return proxy;
  }

  // The log's line on one request, once it has ended.
  told(request) {
    return this.#of(request).promise;
  }

  async stop() {
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
    await rm(this.folder, { recursive: true });
  }

  #of(request) {
    if (!this.#told.has(request)) {
      let resolve;
      const promise = new Promise((keep) => (resolve = keep));
      this.#told.set(request, { promise, resolve });
    }
    return this.#told.get(request);
  }
}
