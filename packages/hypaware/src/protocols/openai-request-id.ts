import type { ExchangeRecord } from "../contract/exchange.ts";
import { recordedHeaders } from "./exchange-record.ts";
import { asName } from "./loose.ts";

/** The provider's name for a request, as its response tells it. */
export function openaiRequestId(record: ExchangeRecord): string | undefined {
  const headers = recordedHeaders(record.response_headers);
  return asName(headers.get("x-oai-request-id")) ?? asName(headers.get("x-request-id"));
}
