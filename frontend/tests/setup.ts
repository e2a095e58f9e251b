/** What a browser has and the tests' one has not; no test asks a server that it did not make up. */

import { vi } from "vitest";

vi.stubGlobal("WebGLRenderingContext", class {});
vi.stubGlobal("WebGL2RenderingContext", class {});
vi.stubGlobal("fetch", () => new Promise(() => undefined));
