/** A relative path with `/` that leads nowhere but down, whatever system reads it. */
export const isInsidePath = (path: string): boolean =>
  path !== "" && !/^[/\\]|^[a-zA-Z]:|\\|\0|(?:^|\/)\.\.(?:\/|$)/.test(path);
