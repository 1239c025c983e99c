// Package child runs the command-line tools that print tokens (az, azd, gcloud) so that nothing of them outlives the
// call: each is a script that starts an interpreter, and ending the script alone would leave that one behind.
package child
