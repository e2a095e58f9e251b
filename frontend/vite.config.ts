import { defineConfig } from "vitest/config";

// The server hands out exactly the files that the manifest names, under /assets/.
export default defineConfig({
  build: {
    outDir: "../src/tutelage/explorer/static",
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: { polyfill: false }, // its loader is of no use to a page of one entry
    assetsInlineLimit: 0, // the policy of the page's content allows files, not data in the style
    target: "es2022",
    license: { fileName: "licenses.md" },
  },
  server: { proxy: { "/api": process.env.EXPLORER ?? "http://127.0.0.1:8765" } },
  test: { environment: "happy-dom", setupFiles: ["tests/setup.ts"], include: ["tests/**/*.test.{ts,tsx}", "src/**/*.test.{ts,tsx}"] },
});
