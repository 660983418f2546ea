# brew install --HEAD --formula packaging/homebrew/synscope.rb
class Synscope < Formula
  desc "Analyze TCP handshakes: which connections opened, how long, who ended them"
  homepage "https://example.org/synscope"
  head "file://#{File.expand_path("../..", __dir__)}", using: :git
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build
  uses_from_macos "libpcap"

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"synscope", "--generate", shells: [:bash, :zsh, :fish])
    {"man" => "synscope.1", "man-filter" => "synscope-filter.7", "man-events" => "synscope-events.5"}.each do |what, page|
      (buildpath/page).write Utils.safe_popen_read(bin/"synscope", "--generate", what)
      Pathname("man#{page[-1]}").then { |section| (man/section).install buildpath/page }
    end
  end

  test do
    assert_match "synscope", shell_output("#{bin}/synscope --version")
  end
end
