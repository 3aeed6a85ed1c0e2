// A quiet reporter: what failed, in full, and one closing line.

export default async function* closing(events) {
  const counted = { passed: 0, failed: 0, skipped: 0 };
  const began = performance.now();
  for await (const { type, data } of events) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details.type === "suite") continue;
    const ending = data.skip !== undefined ? "skipped" : type === "test:pass" ? "passed" : "failed";
    counted[ending] += 1;
    if (ending === "failed") {
      const error = data.details.error;
      yield `FAILED ${data.file ?? ""} ${data.name}\n${(error.cause ?? error).stack ?? error}\n\n`;
    }
  }
  const told = Object.entries(counted).filter(([, count]) => count > 0);
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  yield `${told.map(([ending, count]) => `${count} ${ending}`).join(", ")} in ${seconds}s (node)\n`;
}
