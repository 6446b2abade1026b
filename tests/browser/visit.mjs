// Does one thing in a real browser and prints what was seen as one line of JSON. Its only
// argument is JSON: the task, the server's base URL, an empty folder for the browser's profile,
// and what the task needs.

import { pathToFileURL } from "node:url";

const wanted = JSON.parse(process.argv[2]);
const { chromium } = await import(pathToFileURL(process.env.RUNLOOM_TEST_PLAYWRIGHT));

const context = await chromium.launchPersistentContext(wanted.profile, {
  executablePath: process.env.RUNLOOM_TEST_CHROMIUM,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
try {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on("console", (line) => {
    if (["error", "warning"].includes(line.type())) complaints.push(line.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => {
    const { errorText } = request.failure();
    // What the page hangs up itself has not failed.
    if (errorText !== "net::ERR_ABORTED") complaints.push(`${errorText}: ${request.url()}`);
  });
  const requests = [];
  context.on("request", (request) => requests.push(request.url()));

  await page.goto(`${wanted.base}/docs`);
  const task = { documents, fetched, sourced }[wanted.task];
  const seen = await task(page);
  console.log(JSON.stringify({ ...seen, complaints, requests }));
} finally {
  await context.close();
}

/** Which operations the page shows, and what its own request to one of them is answered with. */
async function documents(page) {
  await page.waitForSelector(".opblock");
  const operations = await page.$$eval(".opblock", (blocks) =>
    blocks.map((block) => {
      const method = block.querySelector(".opblock-summary-method").textContent;
      const path = block.querySelector(".opblock-summary-path").dataset.path;
      return `${method.trim().toLowerCase()} ${path}`;
    }),
  );
  const health = page.locator(".opblock", { has: page.locator('[data-path="/healthz"]') });
  await health.locator(".opblock-summary-control").click();
  await health.getByRole("button", { name: "Try it out" }).click();
  await health.getByRole("button", { name: "Execute" }).click();
  const status = await health.locator(".live-responses-table tbody .response-col_status");
  return { operations, status: parseInt(await status.first().textContent(), 10) };
}

/** Reads a run by `fetch`, hanging up after `cut` events and going on from the last one's id. */
async function fetched(page) {
  return page.evaluate(async ({ run, token, cut }) => {
    async function read(last, limit) {
      const hangUp = new AbortController();
      const headers = { Authorization: `Bearer ${token}` };
      if (last) headers["Last-Event-ID"] = last;
      const answer = await fetch(`/v1/runs/${run}/events`, { headers, signal: hangUp.signal });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const blocks = [];
      let text = "";
      while (blocks.length < limit) {
        const { value, done } = await reader.read();
        if (done) return blocks;
        const parts = (text + value).split("\n\n");
        text = parts.pop();
        blocks.push(...parts.filter((part) => part.startsWith("id: ")));
      }
      hangUp.abort();
      return blocks.slice(0, limit);
    }
    const before = await read(null, cut);
    const last = before.at(-1).match(/^id: (\d+)\n/)[1];
    return { before, last: Number(last), after: await read(last, Infinity) };
  }, wanted);
}

/** Reads a run by `EventSource` until the browser itself gives up reconnecting. */
async function sourced(page) {
  return page.evaluate(async ({ run, ticket }) => {
    const source = new EventSource(`/v1/runs/${run}/events?ticket=${ticket}`);
    const messages = [];
    let opened = 0;
    source.onopen = () => opened++;
    source.onmessage = ({ lastEventId, data }) => messages.push({ lastEventId, data });
    await new Promise((closed) => {
      source.onerror = () => source.readyState === EventSource.CLOSED && closed();
    });
    return { messages, opened };
  }, wanted);
}
