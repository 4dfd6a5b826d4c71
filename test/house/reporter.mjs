// A line of JSON for each test that ended, for the Go test that runs the scripts.
import { inspect } from "node:util";

export default async function* lines(events) {
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield line({ said: data.message });
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details.error;
    yield line({
      name: data.name,
      seconds: data.details.duration_ms / 1000,
      skipped: data.skip !== undefined || data.todo !== undefined,
      failure: type === "test:fail" ? inspect(error?.cause ?? error, { depth: 5 }) : "",
    });
  }
}

const line = (what) => JSON.stringify(what) + "\n";
