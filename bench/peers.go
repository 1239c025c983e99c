package main

// peersMeasured is when.
const peersMeasured = "November 2026"

// peer is another program that gives such tokens, with a remembered one.
type peer struct {
	Name     string  `json:"name"`
	Ratio    float64 `json:"ratio"`
	Requests string  `json:"requests"`
}

// peers were measured with their releases of that time on 2 processors under Linux.
func peers() []peer {
	return []peer{
		{"gke-gcloud-auth-plugin (Google Cloud SDK 528)", 3.63, "no request"},
		{"int128/kubelogin (about 1.36.3), file", 3.72, "no request"},
		{"zalando/go-keyring 0.2.8, nothing but a read of gnome-keyring", 4.43, "no request"},
		{"int128/kubelogin, gnome-keyring", 7.50, "no request"},
		{"Azure/kubelogin 0.2.22 --disable-instance-discovery", 7.97, "no request"},
		{"Azure/kubelogin 0.2.22", 21.6, "1 request"},
		{"az account get-access-token (2.45), managed identity", 289, "1 request"},
		{"gcloud auth print-access-token (528) on Compute Engine", 326, "2 requests"},
	}
}
