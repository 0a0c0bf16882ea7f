// Makes a component of a JavaScript module. Run in the project's folder, with one argument in JSON:
// { source, wit, world, features, output }.

import { writeFile } from "node:fs/promises";

const { source, wit, world, features, output } = JSON.parse(process.argv.at(-1));

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const { componentize, DEFAULT_FEATURES } = await import("@bytecodealliance/componentize-js").catch((error) =>
  fail(`${error.message}\nTry: npm install --save-dev @bytecodealliance/componentize-js@0.23.0`),
);

// What is not asked for is left out, so that the component imports nothing but what its world says.
const known = DEFAULT_FEATURES ?? ["stdio", "random", "clocks", "http", "fetch-event"];
const wanted = features ?? [];
const unknown = wanted.find((feature) => !known.includes(feature));
if (unknown !== undefined) {
  fail(`package.json: componentize-js has no feature '${unknown}'; it has ${known.join(", ")}`);
}

try {
  const { component } = await componentize({
    sourcePath: source,
    witPath: wit,
    worldName: world ?? undefined,
    disableFeatures: known.filter((feature) => !wanted.includes(feature)),
  });
  await writeFile(output, component);
} catch (error) {
  // The stack is that of componentize-js.
  const message = error.message ?? String(error);
  const exports = "The program must export what wit/world.wit exports, by the same names: " +
    "`export const { lifecycle, process } = plugin({ ... })`, and in it the method of each hook.";
  fail(message.includes("expected exports") ? `${message}\n${exports}` : message);
}
