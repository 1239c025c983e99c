// Package entra is Microsoft's token service as seen from here: its clouds, the exchange of a federated token (OAuth 2.0
// client credentials with a JWT client assertion, RFC 7523 section 2.2), and what its AADSTS codes mean.
package entra
