// Package sts is Google's token services as seen from here: the exchange of a subject token at the Security Token
// Service (RFC 8693), the impersonation of a service account at IAM Credentials, and what their refusals mean.
package sts
