export const bundlers = [];
