/** Where the page begins. */

import { render } from "preact";
import { Page } from "./page/page";
import { watchVersion } from "./state/data";
import "./style/tokens.css";
import "./style/page.css";

render(<Page />, document.getElementById("page")!);
watchVersion();
