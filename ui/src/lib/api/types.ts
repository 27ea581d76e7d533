/** The API's words that the pages use, by short names. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Session = Schemas['Session'];
export type State = Schemas['State'];
export type Row = Schemas['Row'];
export type Page = Schemas['Page'];
export type Counts = Schemas['Counts'];
export type Detail = Schemas['Detail'];
export type Recipient = Schemas['Recipient'];
export type Attempt = Schemas['Attempt'];
export type Attachment = Schemas['Attachment'];
export type ActionReport = Schemas['ActionReport'];
export type Status = Schemas['Status'];
export type Problem = Schemas['Problem'];
export type Alert = Schemas['Alert'];
export type AlertKind = Schemas['AlertKind'];
export type UnreadAlerts = Schemas['UnreadAlerts'];
export type AuditItem = Schemas['AuditItem'];
export type AuditCheck = Schemas['AuditCheck'];
export type Explanation = Schemas['Explanation'];
export type OfficeRow = Schemas['OfficeRow'];
export type OfficeSettingsAnswer = Schemas['OfficeSettingsAnswer'];
export type OfficeSettingsEdit = Schemas['OfficeSettingsEdit'];
export type RelayAnswer = Schemas['RelayAnswer'];
export type RelayEdit = Schemas['RelayEdit'];
export type RelayTestAnswer = Schemas['RelayTestAnswer'];
export type FailureGroup = Schemas['FailureGroup'];
export type PauseRow = Schemas['PauseRow'];
export type Limits = Schemas['LimitsAnswer'];
export type User = Schemas['UserRow'];
export type Office = Schemas['OfficeRow'];
export type OfficeEdited = Schemas['OfficeEdited'];
export type Proxy = Schemas['ProxyRow'];
export type ApiKey = Schemas['KeyRow'];
export type Usage = Schemas['UsageAnswer'];
export type LimitsForecast = Schemas['ForecastAnswer'];
