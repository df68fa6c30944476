// Node: node:http and JSON.parse.
import { readFileSync } from "node:fs";
import http from "node:http";

const { BENCH_BASE, BENCH_QUERY } = process.env;
const NAME = 'Zoë "Zed" O/Neil(104)';
const now = () => Number(process.hrtime.bigint()) / 1e6;

const start = now();
const chunks = [];
await new Promise((resolve, reject) => {
  http.get(`${BENCH_BASE}/rest/api/v2/recordings?${BENCH_QUERY}`,
    { headers: { authorization: "Bearer bench-token" } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(answer.statusCode));
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", resolve);
    }).on("error", reject);
});
let rows = 0, sum = 0, strings = 0, named = 0, first = 0;
for (const row of JSON.parse(Buffer.concat(chunks))) {
  if (rows % 1000 === 0) {
    first ||= now();
    for (const value of Object.values(row)) {
      if (typeof value === "string") strings++;
    }
  }
  rows++;
  sum += row.startTime % 86400000 + row.duration + row.size;
  if (row.agent === NAME) named++;
}
const seconds = (now() - start) / 1e3;
const peak = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
console.log(rows, sum, strings, named, "|", seconds.toFixed(4),
  (first - start).toFixed(2), peak);
