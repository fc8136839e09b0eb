import { expect, test } from "vitest";
import { unifiedDiff } from "./unified-diff.ts";

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join("");

test("changes stand with three lines around them, far ones apart, as diff -u shows them", () => {
  const after = lines(1, 4) + "new\n" + lines(5, 19) + "twenty";
  expect(unifiedDiff("/f", lines(1, 20), after)).toBe(`--- /f
+++ /f
@@ -2,6 +2,7 @@
 2
 3
 4
+new
 5
 6
 7
@@ -17,4 +18,4 @@
 17
 18
 19
-20
+twenty
\\ No newline at end of file
`);
  expect(unifiedDiff("/f", "a\n", "a\n")).toBe("");
  expect(unifiedDiff("/f", "", "a\n")).toBe("--- /f\n+++ /f\n@@ -0,0 +1,1 @@\n+a\n");
});
