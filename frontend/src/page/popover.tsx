/** A button that opens a box beneath itself; Escape and a press elsewhere close it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export function Popover(props: {
  label: string;
  title?: string;
  children: (close: () => void) => ComponentChildren;
}) {
  const { label, title = label, children } = props;
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    place(box.current, button.current);
    box.current?.focus();
    const outside = ({ target }: Event): void => {
      if (target instanceof Node && !root.current?.contains(target)) setOpen(false);
    };
    const resized = (): void => place(box.current, button.current);
    document.addEventListener("pointerdown", outside);
    window.addEventListener("resize", resized);
    return () => {
      document.removeEventListener("pointerdown", outside);
      window.removeEventListener("resize", resized);
    };
  }, [open]);
  return (
    <div
      class="popover"
      ref={root}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        close();
      }}
    >
      <button
        type="button"
        class="button"
        ref={button}
        aria-expanded={open}
        aria-haspopup="dialog"
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && (
        <div class="popover-box" role="dialog" aria-label={title} tabIndex={-1} ref={box}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

/** Beneath the button, and inside the window. */
function place(box: HTMLElement | null, button: HTMLElement | null): void {
  if (!box || !button) return;
  const { left, bottom } = button.getBoundingClientRect();
  const room = document.documentElement.clientWidth - box.offsetWidth - 8;
  box.style.left = `${Math.max(8, Math.min(left, room))}px`;
  box.style.top = `${bottom + 6}px`;
  box.style.maxHeight = `calc(100dvh - ${bottom + 18}px)`;
}
