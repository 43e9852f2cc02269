// Copies the third-party files the pages load into static/vendor/, each with its licence beside it: `npm run vendor`.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

const modules = "node_modules";
const vendor = "static/vendor";

const files = [
  ["htmx.org/dist/htmx.min.js", "htmx/htmx.min.js"],
  ["htmx.org/dist/ext/hx-sse.min.js", "htmx/hx-sse.min.js"],
  ["htmx.org/LICENSE", "htmx/LICENSE"],
  ["chart.js/dist/chart.umd.min.js", "chartjs/chart.umd.min.js"],
  ["chart.js/LICENSE.md", "chartjs/LICENSE.md"],
  ["@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", "inter/inter-latin-wght-normal.woff2"],
  ["@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2", "inter/inter-latin-ext-wght-normal.woff2"],
  ["@fontsource-variable/inter/LICENSE", "inter/LICENSE"],
  ["codemirror/LICENSE", "codemirror/LICENSE"],
  ["daisyui/LICENSE", "daisyui/LICENSE"],
  ["tailwindcss/LICENSE", "tailwindcss/LICENSE"],
];

// A brand's choice; Inter is every page's. Source Sans' package names no holder: its licence is kept by hand.
const fonts = { "source-sans-3": "source-sans", nunito: "nunito", lora: "lora", "ibm-plex-sans": "plex" };
for (const [name, folder] of Object.entries(fonts)) {
  for (const letters of ["latin", "latin-ext"]) {
    files.push([`@fontsource-variable/${name}/files/${name}-${letters}-wght-normal.woff2`, `../fonts/${folder}/${letters}.woff2`]);
  }
  if (folder !== "source-sans") files.push([`@fontsource-variable/${name}/LICENSE`, `../fonts/${folder}/LICENSE`]);
}

for (const [from, to] of files) {
  const target = `${vendor}/${to}`;
  await mkdir(dirname(target), { recursive: true });
  if (target.endsWith(".js")) {
    // The map itself is not shipped, and a manifest storage refuses a file that names a missing one.
    const text = await readFile(`${modules}/${from}`, "utf8");
    await writeFile(target, text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"));
  } else {
    await copyFile(`${modules}/${from}`, target);
  }
}

await build({
  entryPoints: ["assets/json-editor.js"],
  outfile: `${vendor}/codemirror/json-editor.js`,
  bundle: true,
  minify: true,
  format: "iife",
  legalComments: "none",
  logLevel: "warning",
});
