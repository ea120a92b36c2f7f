/** The search that was last on screen, for the way back from a call. */
export const last = { search: '/audit' };
