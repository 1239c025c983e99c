# For homebrew-core, when it takes us: built from source, so that nothing is quarantined. The URL's tag and its checksum
# are the release's.
class Idferry < Formula
  desc "Azure identities for Google's clients, Google identities for Azure's, without keys"
  homepage "https://github.com/idferry/idferry"
  url "https://github.com/idferry/idferry/archive/refs/tags/v@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license "Apache-2.0"
  head "https://github.com/idferry/idferry.git", branch: "main"

  depends_on "go" => :build

  def install
    ENV["CGO_ENABLED"] = "0"
    %w[gcp-executable-source azure-token-helper].each do |program|
      system "go", "build", *std_go_args(ldflags: "-s -w -X main.version=#{version}", output: bin/program), "./cmd/#{program}"
      generate_completions_from_executable(bin/program, shell_parameter_format: :cobra)
    end
    man1.install Dir["man/*.1"]
  end

  test do
    %w[gcp-executable-source azure-token-helper].each do |program|
      assert_match version.to_s, shell_output("#{bin}/#{program} version")
    end
    # Nobody is anybody here: the document says so, as Google's libraries read it.
    ENV["AZURE_TOKEN_CREDENTIALS"] = "environment"
    assert_match '"success":false', shell_output("#{bin}/gcp-executable-source --resource api://test")
    assert_match "api://AzureADTokenExchange", shell_output("#{bin}/azure-token-helper doctor --google-source token-file 2>&1", 1)
  end
end
