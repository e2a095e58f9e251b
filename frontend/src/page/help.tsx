/** The help, above everything else until it is closed. */

import { useEffect, useRef } from "preact/hooks";
import { HelpPanel } from "../panels";
import { helping } from "./here";
import { Icon } from "./icons";
import { KEYS } from "./keys";

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helping.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      class="help-dialog"
      aria-label="Help"
      ref={dialog}
      onClose={() => (helping.value = false)}
      onClick={({ target }) => target === dialog.current && (helping.value = false)}
    >
      {open && (
        <>
          <div class="sheet-head">
            <h2>Help</h2>
            <button type="button" class="button is-plain" onClick={() => (helping.value = false)}>
              <Icon name="close" /> Close
            </button>
          </div>
          <div class="sheet-body" tabIndex={0} role="region" aria-label="Help, content">
            <HelpPanel keys={KEYS} />
          </div>
        </>
      )}
    </dialog>
  );
}
