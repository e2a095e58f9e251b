/** What is shown in place of a part that broke, so that the rest of the page stays. */

import { Component, type ComponentChildren } from "preact";

export class Boundary extends Component<{ children: ComponentChildren }, { broken: string }> {
  override state = { broken: "" };

  static override getDerivedStateFromError(error: unknown): { broken: string } {
    return { broken: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    const { broken } = this.state;
    if (!broken) return this.props.children;
    return (
      <div class="broken" role="alert">
        <h2>This part of the page broke</h2>
        <p>{broken}</p>
        <button type="button" class="button" onClick={() => this.setState({ broken: "" })}>
          Show it again
        </button>
      </div>
    );
  }
}
