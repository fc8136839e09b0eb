import type { ClientSettings } from "../contract/plugin.ts";
import { blockFormat } from "./blocks/block-format.ts";
import { env } from "./blocks/env.ts";
import { toml } from "./blocks/toml.ts";
import { jsonFormat } from "./json/json-format.ts";
import type { SettingsFormat } from "./settings-format.ts";

const FORMATS: Readonly<Record<ClientSettings["format"], SettingsFormat>> = {
  json: jsonFormat,
  toml: blockFormat(toml),
  env: blockFormat(env),
};

export const formatOf = ({ format }: ClientSettings): SettingsFormat => FORMATS[format];
