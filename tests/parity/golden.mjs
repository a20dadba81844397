// Asks the npm package promptfoo what each case is worth: golden.mjs PACKAGE CASES RESULT.
// No provider and no network is needed: judges and embeddings are canned.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire, register } from "node:module";

process.env.PROMPTFOO_DISABLE_TELEMETRY = "1";
process.env.PROMPTFOO_DISABLE_UPDATE = "1";
process.env.PROMPTFOO_DISABLE_REMOTE_GENERATION = "true";
// METEOR asks for names that natural, a CommonJS module, exports only as properties of its default export.
const natural = createRequire(process.argv[2]).resolve("natural");
const named = `import n from "file://${natural}"; export const { PorterStemmer, WordNet } = n;`;
const hook = `export const resolve = (name, context, next) => name === "natural"
  ? { url: ${JSON.stringify("data:text/javascript," + encodeURIComponent(named))}, shortCircuit: true } : next(name, context);`;
register("data:text/javascript," + encodeURIComponent(hook));
const { assertions } = (await import(process.argv[2])).default;
const { vars, prompt, cases } = JSON.parse(readFileSync(process.argv[3], "utf8"));

const canned = (one) => {
  const replies = [...(one.judge ?? [])];
  return {
    id: () => "canned",
    callApi: async () => ({ output: replies.shift() }),
    callEmbeddingApi: async (text) => ({ embedding: one.vectors[text] }),
  };
};

const rows = {};
for (const one of structuredClone(cases)) {
  const { latencyMs, ...response } = one.response ?? {};
  const test = { vars, assert: one.assert, threshold: one.threshold, options: { provider: canned(one) } };
  const call = { prompt, test, providerResponse: { output: one.output, ...response }, latencyMs };
  try {
    const found = await assertions.runAssertions(call);
    const judged = found.componentResults.some((r) => r.metadata?.graderError);
    const named = Object.keys(found.namedScores).length ? { metrics: found.namedScores } : {};
    rows[one.id] = { pass: found.pass, score: found.score, class: judged ? "error" : found.pass ? "passed" : "failed", ...named };
  } catch (e) {
    rows[one.id] = { pass: false, score: 0, class: "error" };
  }
}
writeFileSync(process.argv[4], JSON.stringify(rows));
process.exit(0);
