import './csp-nonce.ts';
import './style/tokens.css';
import './style/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { preload } from './routes.ts';
import { listenForShortcuts } from './shortcuts.ts';

// The page's code comes while the session is asked for.
preload(location.pathname);
listenForShortcuts();
const root = document.getElementById('root');
if (!root) throw new Error('The page has no place for the application.');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
