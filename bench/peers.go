package main

// peersMeasured is the month.
const peersMeasured = "2026-11"

// peer is another program that gives such tokens, with a remembered one.
type peer struct {
	Name     string  `json:"name"`
	Version  string  `json:"version"`
	Ratio    float64 `json:"ratio"`
	Requests int     `json:"requests"`
}

// peers were measured as their users install them, on 2 processors under Linux.
func peers() []peer {
	return []peer{
		{"gke-gcloud-auth-plugin", "Google Cloud SDK 528", 3.63, 0},
		{"int128/kubelogin, disk", "4ac72f1, about 1.36.3", 3.72, 0},
		{"zalando/go-keyring, a read of gnome-keyring and nothing else", "0.2.8", 4.43, 0},
		{"int128/kubelogin, gnome-keyring", "4ac72f1, about 1.36.3", 7.50, 0},
		{"Azure/kubelogin --disable-instance-discovery", "0.2.22", 7.97, 0},
		{"Azure/kubelogin", "0.2.22", 21.6, 1},
		{"az account get-access-token, managed identity", "2.45.0", 289, 1},
		{"gcloud auth print-access-token, Compute Engine", "528", 326, 2},
	}
}
