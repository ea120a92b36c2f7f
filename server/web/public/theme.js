// Runs before the first paint, so that no page flashes in the other theme.
(() => {
  let theme = 'auto';
  try {
    theme = localStorage.getItem('calmline.theme') ?? 'auto';
  } catch {
    // No storage: the theme follows the system.
  }
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme =
    theme === 'light' || theme === 'dark' ? theme : dark ? 'dark' : 'light';
})();
