/** Control characters other than line ends and tabs are shown as a dot. */
export function neutral(text: string): string {
  return text.replace(/(?![\n\r\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "·");
}
