/** What marks `<style>` elements as the page's own; the server writes it into the page and into its policy. Empty under `vite dev`, which has no policy. */
export const CSP_NONCE = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

// The name under which the scroll lock of Radix dialogs looks for it.
Object.assign(globalThis, { __webpack_nonce__: CSP_NONCE });
