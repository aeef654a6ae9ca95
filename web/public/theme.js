// Runs before the first paint, so that a chosen theme never flashes the other one. Everything else waits for the module.
try {
  const theme = localStorage.getItem('millrun.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // A browser that forbids storage follows the system's theme.
}
