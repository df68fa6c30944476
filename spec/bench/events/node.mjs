// Node's usual websocket package (Debian's node-ws), JSON.parse.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const WebSocket = require("/usr/share/nodejs/ws");
const address = process.env.BENCH_BASE.replace(/^http/, "ws") +
  "/rest/api/v1/realtime-metric-subscription?ids=K0FLAEB6";
const seconds = Number(process.env.BENCH_SECONDS);

const memory = (name) =>
  readFileSync("/proc/self/status", "utf8").match(name + ":\\s*(\\d+)")[1];
const cpu = (since) => {
  const { user, system } = process.cpuUsage(since);
  return ((user + system) / 1e6).toFixed(3);
};
const open = () => new WebSocket(address, { perMessageDeflate: false });

const parts = {
  flood() {
    const link = open();
    let start, used, count = 0, sum = 0;
    link.on("open", () => {
      start = performance.now();
      used = process.cpuUsage();
    });
    link.on("message", (text) => {
      count++;
      sum += JSON.parse(text).value.count;
    });
    link.on("close", () => {
      const took = ((performance.now() - start) / 1000).toFixed(4);
      console.log(count, sum, took, cpu(used), memory("VmHWM"));
    });
  },

  many() {
    const wanted = Number(process.env.BENCH_SOCKETS);
    let opened = 0, count = 0, start, used;
    for (let i = 0; i < wanted; i++) {
      const link = open();
      link.on("message", (text) => {
        JSON.parse(text);
        count++;
      });
      link.on("open", () => {
        if (++opened < wanted) return;
        start = performance.now();
        count = 0;
        used = process.cpuUsage();
        setTimeout(() => {
          const took = ((performance.now() - start) / 1000).toFixed(2);
          console.log(count, cpu(used), took, memory("VmRSS"));
          process.exit();
        }, seconds * 1000);
      });
    }
  },

  delay() {
    const link = open();
    const took = [];
    link.on("message", (text) => {
      const sent = JSON.parse(text).value.count;
      took.push((performance.timeOrigin + performance.now()) * 1000 - sent);
    });
    link.on("open", () => setTimeout(() => {
      took.sort((a, b) => a - b);
      const at = (share) =>
        Math.round(took[Math.max(0, Math.ceil(took.length * share) - 1)]);
      console.log(took.length, at(0.5), at(0.99), at(1));
      process.exit();
    }, seconds * 1000));
  },
};
parts[process.argv[2]]();
