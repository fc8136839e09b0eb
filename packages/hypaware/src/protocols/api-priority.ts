/**
 * Of projectors that read an API whoever calls it: below those that know a program (100), so that they take what is left, and above
 * the plugins that say nothing of it.
 */
export const API_PRIORITY = 50;
