// Node: eight requests at once on kept connections, JSON.parse.  The argument
// says which client: "http" for node:http and node:https, "fetch" for fetch.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const { BENCH_BASE, BENCH_TOKEN_URL, BENCH_METRICS, BENCH_CA } = process.env;
const NAME = 'Zoë "Zed" O/Neil';
const tls = BENCH_BASE.startsWith("https");
const agent = tls
  ? new https.Agent({ keepAlive: true, maxSockets: 8,
                      ca: readFileSync(BENCH_CA) })
  : new http.Agent({ keepAlive: true, maxSockets: 8 });

function askHttp(url, { body, ...options }) {
  return new Promise((resolve, reject) => {
    const request = (tls ? https : http).request(url, { agent, ...options });
    request.on("error", reject);
    request.on("response", (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        if (answer.statusCode !== 200) reject(new Error(answer.statusCode));
        else resolve({ pages: Number(answer.headers["x-total-pages"]),
                       json: JSON.parse(Buffer.concat(chunks)) });
      });
    });
    request.end(body);
  });
}

async function askFetch(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(answer.status);
  return { pages: Number(answer.headers.get("x-total-pages")),
           json: await answer.json() };
}

const ask = process.argv[2] === "fetch" ? askFetch : askHttp;
let rows = 0, sum = 0, strings = 0, named = 0, next = 0, pages = 1;

async function readPages(token) {
  while (next < pages) {
    const answer = await ask(
      `${BENCH_BASE}/agents?metrics=${BENCH_METRICS}&page=${next++}&size=1000`,
      { headers: { authorization: `Bearer ${token}` } });
    const first = pages === 1 && answer.pages > 1;
    pages = answer.pages;
    const others = first
      ? Array.from({ length: 7 }, () => readPages(token)) : [];
    for (const row of answer.json) {
      rows++;
      if (row.name === NAME) named++;
      for (const { value } of row.metrics) {
        if (typeof value === "number") sum += value;
        else if (typeof value === "string") strings++;
      }
    }
    if (first) await Promise.all([...others, readPages(token)]);
  }
}

const start = process.hrtime.bigint();
const answer = await ask(BENCH_TOKEN_URL, {
  method: "POST", body: "grant_type=client_credentials",
  headers: { authorization: "Basic a2V5OnNlY3JldA==",
             "content-type": "application/x-www-form-urlencoded" } });
await readPages(answer.json.access_token);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
agent.destroy();
const peak = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
console.log(rows, sum.toFixed(10), strings, named, seconds.toFixed(4), peak);
